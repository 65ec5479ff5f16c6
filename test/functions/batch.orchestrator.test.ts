import * as df from "durable-functions";
import { describe, expect, it, vi } from "vitest";
import { registerBatchOrchestrator } from "../../functions/batch.orchestrator.ts";
import { FIRST_CURSOR } from "../../shared/jobs/index.ts";
import { Orchestration } from "../support/orchestration.ts";

const NOW = Date.UTC(2026, 0, 1);
const input = { kind: "batch", jobId: "job-1", expiresAt: NOW + 3_600_000 };

function begin(given: object = input): Orchestration {
  const register = vi.spyOn(df.app, "orchestration").mockReturnValue(undefined as never);
  registerBatchOrchestrator();
  const handler = register.mock.calls[0]?.[1];
  return new Orchestration(
    handler as unknown as ConstructorParameters<typeof Orchestration>[0],
    given,
    NOW,
  );
}

const done = (completed: number, isOver = false) => ({
  ...FIRST_CURSOR,
  progress: { completed, failed: 0 },
  isOver,
});
const asks = (name: string) => ({ kind: "activity", name });

function expectEnd(batch: Orchestration): void {
  expect(batch.asked).toMatchObject(asks("finishBatch"));
  batch.resume();
  expect(batch.asked).toMatchObject(asks("settleEvents"));
  batch.resume(true);
  expect(batch.isDone).toBe(true);
}

describe("the orchestrator of a batch", () => {
  it("looks until all lines are done, then makes the files", () => {
    const batch = begin();
    expect(batch.asked).toMatchObject(asks("advanceBatch"));
    batch.resume(done(3));
    expect(batch.asked).toMatchObject({ kind: "any", tasks: [{}, { at: NOW + 1000 }] });
    batch.elapse();
    expect(batch.asked).toMatchObject({ ...asks("advanceBatch"), input: { cursor: done(3) } });
    batch.resume(done(4, true));
    expectEnd(batch);
  });

  it("looks ever more seldom while nothing new is done, down to every fifteen seconds", () => {
    const batch = begin();
    const waits: number[] = [];
    for (let look = 0; look < 10; look++) {
      batch.resume(done(3));
      const timer = batch.asked.kind === "any" ? batch.asked.tasks[1] : undefined;
      waits.push((timer?.kind === "timer" ? timer.at : Number.NaN) - batch.nowMs);
      batch.elapse();
    }
    expect(waits.slice(0, 3)).toEqual([1000, 1500, 2250]);
    expect(waits.at(-1)).toBe(15_000);
  });

  it("makes the files at once when the batch is cancelled", () => {
    const batch = begin();
    batch.resume(done(3));
    batch.raise({ attempt: 1, isFinal: true, isAbandoned: true });
    expectEnd(batch);
  });

  it("ends the batch when its time is over", () => {
    const batch = begin({ ...input, expiresAt: NOW + 500 });
    batch.resume(done(3));
    expect(batch.asked).toMatchObject({ kind: "any", tasks: [{}, { at: NOW + 500 }] });
    batch.elapse();
    expect(batch.asked).toMatchObject(asks("expireBatch"));
    batch.resume();
    expectEnd(batch);
  });
});
