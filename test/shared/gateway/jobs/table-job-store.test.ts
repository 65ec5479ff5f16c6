import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TableJobStore } from "../../../../shared/gateway/jobs/table-job-store.ts";
import type { JobOutcome } from "../../../../shared/jobs/index.ts";
import { anyCharacter } from "../../../support/any-character.ts";
import { MemoryTable } from "../../../support/memory-table.ts";

const job = { id: "j", owner: "ann", priority: 2, createdAt: 1, expiresAt: 2, request: "{}" };
const succeeded: JobOutcome = { state: "succeeded", endedAt: 5, attempt: 1 };
const expired: JobOutcome = { state: "expired", endedAt: 6, attempt: 2 };

const endWith = (retryAfterMs: number) => ({ endedAt: 7, reason: "status-503", retryAfterMs });

async function withJob() {
  const table = new MemoryTable();
  const store = new TableJobStore(table.asTable);
  await store.insert(job);
  return { table, store };
}

describe("TableJobStore", () => {
  it("knows a job as it was inserted, and no other", async () => {
    const { store } = await withJob();
    expect(await store.read("j")).toEqual({
      job,
      priority: 2,
      isAccounted: false,
      attempts: 0,
      history: [],
      turn: { attempt: 1, epoch: 0 },
      lease: undefined,
      startedAt: undefined,
      outcome: undefined,
    });
    expect(await store.read("k")).toBeUndefined();
  });

  it("keeps a request of any length and content, within what a property may hold", async () => {
    const text = fc.oneof(
      fc.string({ unit: anyCharacter }),
      fc.nat(100_000).map((n) => "ü".repeat(n)),
    );
    await fc.assert(
      fc.asyncProperty(text, async (request) => {
        const table = new MemoryTable();
        const store = new TableJobStore(table.asTable);
        await store.insert({ ...job, request });
        expect((await store.read("j"))?.job.request).toBe(request);
        for (const value of Object.values([...table.rows.values()][0] ?? {})) {
          expect(String(value).length).toBeLessThanOrEqual(32_768);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("counts the attempts that began, each once, and remembers when the first did", async () => {
    const { store } = await withJob();
    await store.recordStart("j", { attempt: 1, epoch: 0 }, 10);
    await store.recordStart("j", { attempt: 2, epoch: 0 }, 20);
    await store.recordStart("j", { attempt: 2, epoch: 0 }, 21);
    expect(await store.read("j")).toMatchObject({ attempts: 2, startedAt: 10 });
  });

  it("lets the first outcome stand, and tells it to everybody after", async () => {
    const { store } = await withJob();
    expect(await store.commitOutcome("j", succeeded)).toEqual(succeeded);
    expect(await store.commitOutcome("j", expired)).toEqual(succeeded);
    expect((await store.read("j"))?.outcome).toEqual(succeeded);
  });

  it("has no word of an attempt that runs", async () => {
    const { store } = await withJob();
    await store.recordStart("j", { attempt: 1, epoch: 0 }, 10);
    expect(await store.signalOf("j", 1)).toBeUndefined();
  });

  it("has the first word of an attempt that is to be repeated, and of that one only", async () => {
    const { store } = await withJob();
    await store.recordRetry("j", 1, endWith(7000));
    await store.recordRetry("j", 1, endWith(9000));
    expect(await store.signalOf("j", 1)).toEqual({
      attempt: 1,
      isFinal: false,
      retryAfterMs: 7000,
    });
    expect(await store.signalOf("j", 2)).toBeUndefined();
  });

  it("has the final word for every attempt once there is an outcome", async () => {
    const { store } = await withJob();
    await store.recordRetry("j", 1, endWith(7000));
    await store.commitOutcome("j", expired);
    expect(await store.signalOf("j", 1)).toEqual({ attempt: 1, isFinal: true });
    expect(await store.signalOf("j", 3)).toEqual({ attempt: 3, isFinal: true });
  });
});
