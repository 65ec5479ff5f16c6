import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DocumentError,
  documentReader,
  LiveDocument,
  type LiveDocumentOptions,
  type Loaded,
  type ParsedContent,
} from "../../../shared/documents/index.ts";
import type { TelemetryEvent } from "../../../shared/telemetry/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { changed, hang, ScriptedSource } from "./scripted-source.ts";

const INTERVAL_MS = 30_000;

/** Texts that begin with "bad" are wrong, as "odd" ones are odd. */
function parse(text: string): ParsedContent<string> {
  if (text.startsWith("bad")) return { ok: false, problems: [`${text}: 1`, `${text}: 2`] };
  return { ok: true, value: text.toUpperCase(), warnings: text.startsWith("odd") ? ["odd"] : [] };
}

function setUp(options: Partial<LiveDocumentOptions<string>> = {}) {
  const clock = new FakeClock();
  const source = new ScriptedSource();
  const events: TelemetryEvent[] = [];
  const stop = new AbortController();
  const document = new LiveDocument<string>({
    name: "profiles",
    reader: documentReader(source, parse),
    presence: { required: true },
    clock,
    random: () => 0,
    emit: (event) => events.push(event),
    signal: stop.signal,
    intervalMs: INTERVAL_MS,
    ...options,
  });
  return { clock, source, events, stop, document, names: () => events.map(({ event }) => event) };
}

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

describe("loading on demand", () => {
  it("does not overlap a load, and shares the one that follows it", async () => {
    const { source, document } = setUp();
    const gates: ((loaded: Loaded<string>) => void)[] = [];
    source.next = () => new Promise((resolve) => gates.push(resolve));
    const first = document.start();
    const others = [document.refresh(), document.refresh(), document.refresh()];
    await settle();
    expect(source.loads).toBe(1);
    gates[0]?.(changed("a"));
    await first;
    await settle();
    expect(source.loads).toBe(2);
    gates[1]?.(changed("b"));
    await Promise.all(others);
    expect(document.value).toBe("B");
    expect(source.mostRunning).toBe(1);
  });

  it("puts the next load on the interval off", async () => {
    const { clock, source, document } = setUp();
    source.next = changed("a");
    await document.start();
    await clock.advance(INTERVAL_MS - 1);
    await document.refresh();
    await clock.advance(INTERVAL_MS - 1);
    expect(source.loads).toBe(2);
    expect(clock.pending).toBe(1);
  });

  it("takes no late answer of a load that missed its deadline", async () => {
    const { clock, source, document } = setUp({ deadlineMs: 1_000 });
    let answer: (loaded: Loaded<string>) => void = () => {};
    source.next = () => new Promise((resolve) => (answer = resolve));
    const starting = document.start();
    await clock.advance(1_000);
    await starting;
    source.next = changed("new");
    await document.refresh();
    answer(changed("old"));
    await settle();
    expect(document.value).toBe("NEW");
  });
});

describe("another source", () => {
  it("takes over without a gap, asked as one of which nothing is known", async () => {
    const { source, document } = setUp();
    source.next = changed("a");
    await document.start();
    const other = new ScriptedSource();
    other.next = new DocumentError("away");
    await document.replaceReader(documentReader(other, parse));
    expect(document.value).toBe("A");
    expect(document.status()).toMatchObject({ lastError: "away", isStale: true });
    other.next = changed("b");
    await document.refresh();
    expect(other.knownVersions).toEqual([undefined, undefined]);
    expect(document.value).toBe("B");
    expect(source.loads).toBe(1);
  });

  it("wins over a load of the earlier one that is still running", async () => {
    const { source, document } = setUp();
    let answer: (loaded: Loaded<string>) => void = () => {};
    source.next = () => new Promise((resolve) => (answer = resolve));
    const starting = document.start();
    const other = new ScriptedSource();
    other.next = changed("new");
    const replaced = document.replaceReader(documentReader(other, parse));
    await settle();
    answer(changed("old"));
    await Promise.all([starting, replaced]);
    expect(document.value).toBe("NEW");
    expect(other.knownVersions).toEqual([undefined]);
  });
});

describe("the end", () => {
  it("cancels the timer, the running load and all that would follow", async () => {
    const { clock, source, document, stop, events } = setUp();
    source.next = changed("a");
    await document.start();
    source.next = hang;
    const running = document.refresh();
    const queued = document.refresh();
    stop.abort(new Error("stopping"));
    await Promise.all([running, queued]);
    await document.refresh();
    await document.start();
    expect(clock.pending).toBe(0);
    await clock.advance(INTERVAL_MS * 10);
    expect(source.loads).toBe(2);
    expect(document.value).toBe("A");
    expect(events.map(({ event }) => event)).toEqual(["document.loaded"]);
  });

  it("leaves no timer between loads either", async () => {
    const { clock, source, document, stop } = setUp();
    source.next = changed("a");
    await document.start();
    expect(clock.pending).toBe(1);
    stop.abort();
    expect(clock.pending).toBe(0);
  });
});

describe("a live document as a property", () => {
  const step = fc.oneof(
    fc.constantFrom("good-1", "good-2", "bad-1", "bad-2").map((text) => ({ do: "serve", text })),
    fc.constant({ do: "fail", text: "" }),
    fc.nat(60_000).map((ms) => ({ do: "wait", text: String(ms) })),
    fc.constant({ do: "refresh", text: "" }),
  );

  it("has the last good document in force, never overlaps, and is stale exactly when it differs", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { clock, source, document, stop } = setUp();
        let served: string | undefined;
        let expected: string | undefined;
        source.next = async (known) => {
          if (served === undefined) throw new DocumentError("away");
          if (!served.startsWith("bad")) expected = served.toUpperCase();
          return known === served ? { changed: false } : changed(served);
        };
        await document.start();
        for (const { do: what, text } of steps) {
          if (what === "serve") served = text;
          if (what === "fail") served = undefined;
          if (what === "wait") await clock.advance(Number(text));
          if (what === "refresh") {
            await document.refresh();
            const isGood = served !== undefined && !served.startsWith("bad");
            expect(document.status().isStale).toBe(!isGood);
          }
          expect(document.value).toBe(expected);
        }
        expect(source.mostRunning).toBe(1);
        expect(clock.pending).toBe(1);
        stop.abort();
        expect(clock.pending).toBe(0);
      }),
    );
  });
});
