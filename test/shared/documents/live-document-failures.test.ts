import { describe, expect, it } from "vitest";
import { DocumentError, documentReader } from "../../../shared/documents/index.ts";
import { INTERVAL_MS, setUp } from "./scripted-document.ts";
import { changed, ScriptedSource } from "./scripted-source.ts";

describe("a live document whose source fails", () => {
  it("V96: keeps the last good value in force, while its age shows", async () => {
    const { clock, source, document, events } = setUp();
    source.next = changed("a");
    await document.start();
    source.next = new DocumentError("the server answered 503");
    await clock.advance(INTERVAL_MS);
    expect(document.value).toBe("A");
    expect(document.status()).toMatchObject({
      ageMs: INTERVAL_MS,
      lastError: "the server answered 503",
      failures: 1,
      isStale: true,
    });
    expect(events.at(-1)).toEqual({
      event: "document.load.failed",
      level: "error",
      document: "profiles",
      source: "script",
      error: "the server answered 503",
      failures: 1,
      ageMs: INTERVAL_MS,
    });
  });

  it("tries again sooner, then ever later, up to the interval", async () => {
    const { clock, source, document } = setUp();
    source.next = new DocumentError("away");
    await document.start();
    const startedAt = clock.now();
    const retriesAt: number[] = [];
    source.next = () => {
      retriesAt.push(clock.now() - startedAt);
      return Promise.reject(new DocumentError("away"));
    };
    await clock.advance(100_000);
    expect(retriesAt).toEqual([3_000, 9_000, 21_000, 45_000, 75_000]);
  });

  it("recovers by itself, with a new version or with the one it has", async () => {
    const { clock, source, document, names } = setUp();
    source.next = changed("a");
    await document.start();
    source.next = new DocumentError("away");
    await document.refresh();
    source.next = { changed: false };
    await clock.advance(3_000);
    expect(document.status()).toMatchObject({ isStale: false, failures: 0, ageMs: 0 });
    source.next = new DocumentError("away");
    await document.refresh();
    source.next = changed("b");
    await clock.advance(3_000);
    expect(document.value).toBe("B");
    expect(names()).toEqual([
      "document.loaded",
      "document.load.failed",
      "document.recovered",
      "document.load.failed",
      "document.loaded",
    ]);
  });

  it("V93: refuses a wrong document as a whole and once, and says everything that is wrong", async () => {
    const { clock, source, document, events, names } = setUp();
    source.next = changed("a");
    await document.start();
    source.next = changed("bad");
    await clock.advance(INTERVAL_MS);
    source.next = { changed: false };
    await clock.advance(INTERVAL_MS);
    expect(source.knownVersions).toEqual([undefined, "a", "bad"]);
    expect(document.value).toBe("A");
    expect(document.status()).toMatchObject({
      version: "a",
      ageMs: 2 * INTERVAL_MS,
      lastError: "bad: 1 (and 1 more problems)",
      problems: ["bad: 1", "bad: 2"],
      isStale: true,
    });
    expect(names()).toEqual(["document.loaded", "document.rejected"]);
    expect(events.at(-1)).toMatchObject({ level: "error", problems: ["bad: 1", "bad: 2"] });
  });

  it("still knows that a document is wrong after its source was away", async () => {
    const { source, document } = setUp();
    for (const step of [changed("a"), changed("bad"), new DocumentError("away")]) {
      source.next = step;
      await document.refresh();
    }
    expect(document.status().lastError).toBe("away");
    source.next = { changed: false };
    await document.refresh();
    expect(document.status()).toMatchObject({ lastError: "bad: 1 (and 1 more problems)" });
    source.next = changed("a");
    await document.refresh();
    expect(document.status()).toMatchObject({ lastError: undefined, isStale: false });
  });

  it("never shows what others say of a failure: it may quote a key", async () => {
    const { source, document, events } = setUp();
    source.next = new TypeError("Failed to parse URL from https://x/?sig=s3cret");
    await document.start();
    expect(document.status().lastError).toBe("loading failed (TypeError)");
    expect(JSON.stringify(events)).not.toContain("s3cret");
  });

  it("survives a parser that throws", async () => {
    const source = new ScriptedSource();
    const { document } = setUp({
      reader: documentReader(source, () => {
        throw new RangeError("deep");
      }),
    });
    source.next = changed("a");
    await document.start();
    expect(document.status()).toMatchObject({ lastError: "loading failed (RangeError)" });
  });

  it("is stale without an error when its instance slept through its loads", async () => {
    const { clock, source, document } = setUp({ deadlineMs: 10_000 });
    source.next = changed("a");
    await document.start();
    // Only the clock moves on: this stands for a frozen process.
    Object.defineProperty(clock, "now", { value: () => Date.UTC(2026, 0, 1) + 70_001 });
    expect(document.status()).toMatchObject({ lastError: undefined, isStale: true });
  });
});
