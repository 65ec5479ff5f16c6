import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JobEventLog } from "../../../../shared/gateway/job-events/job-event-log.ts";
import { type EventChannel, JobEvents } from "../../../../shared/gateway/job-events/job-events.ts";
import { TableJobStore } from "../../../../shared/gateway/jobs/table-job-store.ts";
import type { JobRecord, StatusChange } from "../../../../shared/jobs/index.ts";
import type { Row, RowRange, Table } from "../../../../shared/storage/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemoryTable } from "../../../support/memory-table.ts";

const JOB: JobRecord = {
  id: "job-1",
  owner: "u1",
  priority: 2,
  createdAt: Date.UTC(2026, 0, 1),
  expiresAt: Date.UTC(2026, 0, 2),
  request: "{}",
  notify: { topic: "t1" },
};
const OUTCOME = { state: "succeeded", endedAt: JOB.createdAt + 9, attempt: 2 } as const;

/** The course of the job, which every process tells from some point on, in part and at any speed. */
const COURSE: readonly StatusChange[] = [
  { kind: "queued" },
  { kind: "running", attempt: 1 },
  { kind: "requeued", attempt: 1, retryAt: 0 },
  { kind: "running", attempt: 1 },
  { kind: "retrying", attempt: 1, retryAt: 0 },
  { kind: "running", attempt: 2 },
  { kind: "ended", outcome: OUTCOME },
];

/** What the world does to one step of a process: how long it takes, and whether it fails or kills. */
interface Fate {
  readonly turns: number;
  readonly ends: "well" | "dead before" | "dead after" | "refused" | "unheard";
}
const fate: fc.Arbitrary<Fate> = fc.record({
  turns: fc.nat(3),
  ends: fc.oneof(
    { weight: 8, arbitrary: fc.constant("well" as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("dead before", "dead after", "refused", "unheard"),
    },
  ),
});
const processOf = fc.record({
  from: fc.nat(COURSE.length - 1),
  fates: fc.array(fate, { maxLength: 40 }),
});

/** A topic with duplicate detection. Scope: one run. */
class DetectingTopic implements EventChannel {
  readonly name = "topic";
  readonly arrived: number[] = [];

  concerns(): boolean {
    return true;
  }

  async send(_job: unknown, { sequence }: { sequence: number }): Promise<void> {
    if (!this.arrived.includes(sequence)) this.arrived.push(sequence);
  }
}

class Killed extends Error {}
class Failed extends Error {}

/** Lets each step of one process meet its fate; once dead, nothing of it has an effect any more. */
function mortal(fates: readonly Fate[]) {
  let step = 0;
  let isDead = false;
  return async <Result>(effect: () => Promise<Result>): Promise<Result> => {
    const { turns, ends } = fates[step++] ?? { turns: 0, ends: "well" };
    for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
    isDead ||= ends === "dead before";
    if (isDead) throw new Killed();
    if (ends === "refused") throw new Failed();
    const result = await effect();
    isDead ||= ends === "dead after";
    if (isDead) throw new Killed();
    if (ends === "unheard") throw new Failed();
    return result;
  };
}

function eventsOf(table: MemoryTable, topic: DetectingTopic, fates: readonly Fate[]): JobEvents {
  const live = mortal(fates);
  const view = {
    insert: (row: Row) => live(() => table.insert(row)),
    get: (partition: string, key: string) => live(() => table.get(partition, key)),
    readPartition: (partition: string) => live(() => table.readPartition(partition)),
    readRange: (partition: string, range: RowRange) =>
      live(() => table.readRange(partition, range)),
  } as unknown as Table;
  const channel: EventChannel = {
    name: topic.name,
    concerns: () => true,
    send: (_, event) => live(() => topic.send(undefined, event)),
  };
  return new JobEvents({
    log: new JobEventLog(view),
    store: new TableJobStore(view),
    channels: [channel],
    clock: new FakeClock(),
    emit: () => {},
  });
}

/** As it is told in its place: who begins a job has its record at hand. */
const told = (events: JobEvents, change: StatusChange): Promise<void> =>
  change.kind === "queued" ? events.announceNew(JOB) : events.announce(JOB.id, change);

describe("a job's events", () => {
  it("reach the topic once each and in order, whoever tells them and wherever processes die", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(processOf, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (processes, isEnded) => {
          const table = new MemoryTable();
          const topic = new DetectingTopic();
          const store = new TableJobStore(table.asTable);
          await store.insert(JOB);
          await Promise.all(
            processes.map(async ({ from, fates }) => {
              const events = eventsOf(table, topic, fates);
              const last = isEnded ? COURSE.length : COURSE.length - 1;
              for (const change of COURSE.slice(from, last)) await told(events, change);
            }),
          );
          await store.commitOutcome(JOB.id, OUTCOME);
          const survivor = eventsOf(table, topic, []);
          expect(await survivor.settle(JOB.id)).toBe(true);

          const log = await new JobEventLog(table.asTable).read(JOB.id);
          const sequences = log?.events.map(({ sequence }) => sequence);
          expect(sequences).toEqual(
            Array.from({ length: sequences?.length ?? 0 }, (_, n) => n + 1),
          );
          expect(topic.arrived).toEqual(sequences);
          const finals = log?.events.filter(({ state }) => state === "succeeded");
          expect(finals).toHaveLength(1);
          expect(log?.events.at(-1)).toEqual(finals?.[0]);
          expect(log?.sentOn("topic")).toBe(sequences?.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});
