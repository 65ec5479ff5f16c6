import { describe, expect, it } from "vitest";
import { INTERVAL_MS, setUp } from "./scripted-document.ts";
import { changed, hang } from "./scripted-source.ts";

describe("a live document", () => {
  it("touches its source when it is started, and not before", async () => {
    const { clock, source, document } = setUp();
    source.next = changed("a");
    await clock.advance(INTERVAL_MS * 3);
    expect(source.loads).toBe(0);
    await document.start();
    expect(document.value).toBe("A");
    expect(document.status()).toEqual({
      name: "profiles",
      source: "script",
      loadedAt: clock.now(),
      ageMs: 0,
      version: "a",
      lastError: undefined,
      problems: [],
      warnings: [],
      failures: 0,
      isStale: false,
    });
  });

  it("loads once, however many wait for its start", async () => {
    const { source, document } = setUp();
    source.next = changed("a");
    await Promise.all([document.start(), document.start(), document.start()]);
    await document.start();
    expect(source.loads).toBe(1);
  });

  it("V11: has a change in force within the interval", async () => {
    const { clock, source, document } = setUp();
    source.next = changed("a");
    await document.start();
    source.next = changed("b");
    await clock.advance(INTERVAL_MS);
    expect(document.value).toBe("B");
  });

  it("jitters its interval, and never beyond it", async () => {
    const { clock, source, document } = setUp({ random: () => 0.999 });
    source.next = changed("a");
    await document.start();
    await clock.advance(INTERVAL_MS * 0.79);
    expect(source.loads).toBe(1);
    await clock.advance(INTERVAL_MS * 0.02);
    expect(source.loads).toBe(2);
  });

  it("tells the source what it knows, and grows younger when that is unchanged", async () => {
    const { clock, source, document, names } = setUp();
    source.next = changed("a", "v1");
    await document.start();
    const { loadedAt } = document.status();
    source.next = { changed: false };
    await clock.advance(INTERVAL_MS + 500);
    expect(source.knownVersions).toEqual([undefined, "v1"]);
    expect(document.status()).toMatchObject({
      loadedAt,
      ageMs: 500,
      version: "v1",
      isStale: false,
    });
    expect(names()).toEqual(["document.loaded"]);
  });

  it("shows what is odd in the document in force", async () => {
    const { source, document, events } = setUp();
    source.next = changed("odd");
    await document.start();
    expect(document.status()).toMatchObject({ warnings: ["odd"], isStale: false });
    expect(events).toMatchObject([
      { event: "document.loaded", level: "warning", warnings: ["odd"] },
    ]);
  });

  it("tells its listeners of each change, and of nothing else", async () => {
    const { clock, source, document } = setUp();
    const seen: (string | undefined)[] = [];
    const unsubscribe = document.subscribe(() => seen.push(document.value));
    for (const step of [changed("a"), { changed: false } as const, changed("bad"), changed("c")]) {
      source.next = step;
      await document.refresh();
    }
    unsubscribe();
    source.next = changed("d");
    await clock.advance(INTERVAL_MS);
    expect(seen).toEqual(["A", "C"]);
    expect(document.value).toBe("D");
  });
});

describe("the first load", () => {
  it("ends at its deadline, and an optional document stands in with its initial value", async () => {
    const { clock, source, document } = setUp({
      presence: { required: false, initial: "none" },
      deadlineMs: 5_000,
    });
    source.next = hang;
    let isStarted = false;
    const starting = document.start().then(() => {
      isStarted = true;
    });
    await clock.advance(4_999);
    expect(isStarted).toBe(false);
    await clock.advance(1);
    await starting;
    expect(document.isAvailable).toBe(true);
    expect(document.value).toBe("none");
    expect(document.status()).toMatchObject({
      loadedAt: undefined,
      ageMs: undefined,
      lastError: "the document was not loaded within 5000 ms",
      isStale: true,
    });
  });

  it("leaves a required document without a value until a later load is good", async () => {
    const { clock, source, document } = setUp();
    source.next = changed("bad");
    await document.start();
    expect(document.isAvailable).toBe(false);
    expect(document.value).toBeUndefined();
    source.next = changed("a");
    await clock.advance(INTERVAL_MS);
    expect(document.isAvailable).toBe(true);
    expect(document.value).toBe("A");
  });
});
