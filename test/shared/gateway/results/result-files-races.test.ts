import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TableJobStore } from "../../../../shared/gateway/jobs/table-job-store.ts";
import { ResultFiles } from "../../../../shared/gateway/results/result-files.ts";
import type { JobOutcome } from "../../../../shared/jobs/index.ts";
import type { Table } from "../../../../shared/storage/index.ts";
import { MemoryBlobs } from "../../../support/memory-blobs.ts";
import { MemoryTable } from "../../../support/memory-table.ts";

type Fault = "none" | "before" | "after";

/** Calls that wait for the scheduler's order, and fail before or after they took effect. */
function unreliable<Target extends object>(target: Target, gate: Gate): Target {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const fault = await gate(String(key));
        if (fault === "before") throw new Error("refused");
        const result: unknown = await Reflect.apply(value, object, args);
        if (fault === "after") throw new Error("the answer got lost");
        return result;
      };
    },
  });
}

type Gate = (name: string) => Promise<Fault>;

const JOB = {
  id: "job-1",
  owner: "ann",
  priority: 2,
  createdAt: 0,
  expiresAt: 60_000,
  request: "{}",
  results: { container: "results-ann", signsLinks: false, linkSeconds: 60 },
} as const;

/** What a delivery, or the end of its time, wants to be the job's end. */
type Ending = "answer" | "expired";

interface World {
  readonly table: MemoryTable;
  readonly own: MemoryBlobs;
  readonly place: MemoryBlobs;
}

function storeIn({ table, own, place }: World, gate: Gate): TableJobStore {
  const shaky = unreliable(table, gate) as unknown as Table;
  const files = new ResultFiles({
    own: unreliable(own, gate).asContainer,
    // The bare memory is the source of a copy: the fault is the copy's.
    blobs: { container: () => unreliable(place, gate).asContainer },
    table: shaky,
    uriOf: async (_container, name) => `https://account.example/${name}`,
  });
  return new TableJobStore(shaky, files);
}

const outcomeOf = (delivery: number, ending: Ending): JobOutcome => {
  const ended = { endedAt: 1000 + delivery, attempt: 1 };
  if (ending === "expired") return { ...ended, state: "expired" };
  const result = { status: 200, headers: [], blob: `job-1/${delivery}`, sizeBytes: 3 };
  return { ...ended, state: "succeeded", result };
};

/** A delivery of the message, repeated by the broker until it is done. */
async function deliver(store: TableJobStore, own: MemoryBlobs, delivery: Delivery): Promise<void> {
  for (let repetition = 0; ; repetition++) {
    const number = delivery.number * 100 + repetition;
    const outcome = outcomeOf(number, delivery.ending);
    if (outcome.result) own.blobs.set(outcome.result.blob, Buffer.from(String(number)));
    try {
      const standing = await store.commitOutcome("job-1", outcome);
      const lost = outcome.result?.blob;
      if (lost !== undefined && standing.result?.blob !== lost) own.blobs.delete(lost);
      return;
    } catch {
      // Delivered again.
    }
  }
}

interface Delivery {
  readonly number: number;
  readonly ending: Ending;
}

const standing = ({ table }: World): JobOutcome | undefined => {
  const row = table.rows.get("job-1/outcome");
  return row && JSON.parse(String(row["value0"]));
};

/** What a reader sees who has been told of the outcome. */
function filesOf(world: World): string {
  const outcome = standing(world);
  if (!outcome) return "not announced";
  const data = world.place.blobs.get("job-1")?.toString() ?? "";
  const beside = world.place.blobs.get("job-1-Headers")?.toString() ?? "{}";
  const { Status, Timestamp } = JSON.parse(beside);
  const isData = outcome.result
    ? data === outcome.result.source?.split("/")[1]
    : data.includes("ttl-expired");
  const isBeside =
    Status === (outcome.result ? "OK" : "PreconditionFailed") &&
    Timestamp === new Date(outcome.endedAt).toISOString();
  return `${isData && isBeside ? "its own" : "another's"}: ${data} ${beside}`;
}

describe("V102: the files of a result, whatever is delivered twice and whatever fails", () => {
  it("are whole before the outcome is announced, are its own, and never change afterwards", async () => {
    const faults = fc.infiniteStream<Fault>(
      fc.constantFrom("none", "none", "none", "none", "before", "after"),
    );
    const endings = fc.array(fc.constantFrom<Ending>("answer", "answer", "expired"), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), faults, endings, async (scheduler, stream, wanted) => {
        const world = {
          table: new MemoryTable(),
          own: new MemoryBlobs(),
          place: new MemoryBlobs(),
        };
        await new TableJobStore(world.table.asTable).insert(JOB);
        let left = 30;
        const seen = new Set<string>();
        const gate: Gate = async (name) => {
          await scheduler.schedule(Promise.resolve(), name);
          seen.add(filesOf(world));
          left -= 1;
          return left > 0 ? stream.next().value : "none";
        };
        const store = storeIn(world, gate);
        const all = Promise.all(
          wanted.map((ending, number) => deliver(store, world.own, { number, ending })),
        );
        await scheduler.waitFor(all);
        expect(filesOf(world)).toMatch(/^its own/);
        seen.add(filesOf(world));
        seen.delete("not announced");
        expect([...seen]).toEqual([filesOf(world)]);
      }),
      { numRuns: 300 },
    );
  });
});
