import { describe, expect, it } from "vitest";
import { drawTrace } from "../../../local/replay/drawn-trace.ts";
import { requestPlanner } from "../../../local/replay/plan-request.ts";
import { promptOf } from "../../../local/replay/prompt.ts";
import { schedule } from "../../../local/replay/schedule.ts";
import { collect } from "./collect.ts";

const row = (atMs: number) => ({ atMs, contextTokens: 10, generatedTokens: 5 });

describe("the schedule", () => {
  it("starts at once and divides every gap, silences too", async () => {
    const rows = [row(1000.5), row(1000.5), row(1060.5), row(15_001_060.5)];
    const arrivals = await collect(schedule(rows, { speed: 60, limit: 10 }));
    expect(arrivals.map(({ dueMs }) => dueMs)).toEqual([0, 0, 1, 250_001]);
  });

  it("ends with the limit, also where the trace has no end", async () => {
    const arrivals = await collect(schedule(drawTrace(1), { speed: 1, limit: 3 }));
    expect(arrivals).toHaveLength(3);
  });

  it("leaves the trace as soon as the limit is met", async () => {
    let isLeft = false;
    const rows = (function* () {
      try {
        yield row(0);
        throw new Error("read too far");
      } finally {
        isLeft = true;
      }
    })();
    await collect(schedule(rows, { speed: 1, limit: 1 }));
    expect(isLeft).toBe(true);
  });
});

describe("the plan of requests", () => {
  const COUNT = 10_000;
  const MIX = { stream: 0.5, queued: 0.3, async: 0.2 };
  const planned = (seed: number, mix = MIX) => {
    const plan = requestPlanner(seed, mix);
    return Array.from({ length: COUNT }, (_, i) => plan({ row: row(i), dueMs: i }));
  };
  const requests = planned(1);
  const share = (has: (request: (typeof requests)[number]) => boolean): number =>
    requests.filter(has).length / COUNT;

  it("keeps to the mix and to the shares of the priorities", () => {
    expect(share(({ mode }) => mode === "stream")).toBeCloseTo(0.5, 1);
    expect(share(({ mode }) => mode === "async")).toBeCloseTo(0.2, 1);
    expect(share(({ priorityClass }) => priorityClass === 1)).toBeCloseTo(0.2, 1);
    expect(share(({ priorityClass }) => priorityClass === 2)).toBeCloseTo(0.5, 1);
    expect(share(({ mode, priorityClass }) => mode === "async" && priorityClass === 1)).toBeCloseTo(
      0.04,
      1,
    );
  });

  it("spreads the requests over twenty users and numbers them", () => {
    expect(new Set(requests.map(({ userId }) => userId)).size).toBe(20);
    expect(requests.map(({ number }) => number)).toEqual(requests.map((_, i) => i + 1));
  });

  it("is the same for a seed, and differs between seeds", () => {
    expect(planned(1)).toEqual(requests);
    expect(planned(2)).not.toEqual(requests);
  });

  it("leaves priorities and users alone when only the mix changes", () => {
    const people = (list: typeof requests) => list.map((r) => [r.priorityClass, r.userId]);
    const others = planned(1, { stream: 0, queued: 1, async: 0 });
    expect(people(others)).toEqual(people(requests));
  });
});

describe("a prompt", () => {
  it.each([0, 1, 1020, 14_050, 100_000])("of %i tokens has four characters a token", (tokens) => {
    expect(promptOf(tokens)).toHaveLength(Math.max(1, tokens) * 4);
  });
});
