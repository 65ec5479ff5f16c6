import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DocumentError,
  documentReader,
  type Loaded,
  type ParsedContent,
} from "../../../shared/documents/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { INTERVAL_MS, setUp } from "./scripted-document.ts";
import { changed, hang, ScriptedSource } from "./scripted-source.ts";

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

describe("a document that is parsed in steps", () => {
  const parsedBy = (steps: () => Generator<void, ParsedContent<string>>) => {
    const source = new ScriptedSource();
    source.next = changed("a");
    return setUp({ reader: documentReader(source, steps) });
  };

  it("lets others run between them", async () => {
    let steps = 0;
    let turns = 0;
    const { document } = parsedBy(function* counting() {
      for (; steps < 5; steps++) yield;
      return { ok: true, value: "counted", warnings: [] };
    });
    const starting = document.start();
    for (; document.value === undefined; turns++) await settle();
    await starting;
    expect(document.value).toBe("counted");
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it("is dropped when its time is over", async () => {
    const { clock, document, stop } = parsedBy(function* endless() {
      for (;;) yield;
    });
    const starting = document.start();
    await clock.advance(10_000);
    await starting;
    expect(document.value).toBeUndefined();
    expect(document.status().lastError).toMatch(/^the document was not loaded within/);
    stop.abort();
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
