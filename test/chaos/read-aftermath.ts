import { setTimeout as pause } from "node:timers/promises";
import { openOrchestrations } from "./open-orchestrations.ts";
import { BusReader, type Leftovers, type ToldEvent } from "./read-bus.ts";
import { listJobs } from "./read-end.ts";
import type { ChaosRun } from "./run-chaos.ts";
import type { SentJob } from "./send-job.ts";
import type { StackUnderFire } from "./stack-under-fire.ts";

/** What is left of a run beside its jobs. */
export interface Aftermath extends Leftovers {
  /** Each job's events, in the order in which the topic got them. */
  readonly told: ReadonlyMap<string, readonly ToldEvent[]>;
  /** Ids of orchestrations that have not ended though their jobs have. */
  readonly stuck: readonly string[];
  /** Ids of jobs that no client knows. */
  readonly unknownJobs: readonly string[];
}

const LOOK_AGAIN_MS = 2000;

/** Waits until nothing is under way any more, or the time is over, and looks at what is left. */
export async function readAftermath(
  stack: StackUnderFire,
  { dataDir }: ChaosRun,
  clients: readonly SentJob[],
  until: number,
): Promise<Aftermath> {
  await using bus = new BusReader(stack.brokerPort);
  const stuck = await quiet(() => openOrchestrations(stack.url, dataDir), isEmpty, until);
  const told = byJob(await bus.told());
  const left = await quiet(
    () => bus.leftovers(),
    ({ waiting }) => waiting.size === 0,
    until,
  );
  const known = new Set(clients.flatMap(({ locations }) => locations));
  const users = [...new Set(clients.map(({ plan }) => plan.user))];
  const ids = (await Promise.all(users.map((user) => listJobs(stack.url, user)))).flat();
  const unknownJobs = ids.filter((id) => !known.has(`/jobs/${id}`));
  return { ...left, told, stuck, unknownJobs };
}

/** Looks until it is quiet; what is seen last when the time is over. */
async function quiet<Seen>(
  look: () => Promise<Seen>,
  isQuiet: (seen: Seen) => boolean,
  until: number,
): Promise<Seen> {
  for (;;) {
    const seen = await look();
    if (isQuiet(seen) || Date.now() > until - LOOK_AGAIN_MS) return seen;
    await pause(LOOK_AGAIN_MS);
  }
}

const isEmpty = (seen: readonly unknown[]): boolean => seen.length === 0;

function byJob(events: readonly ToldEvent[]): Map<string, ToldEvent[]> {
  const jobs = new Map<string, ToldEvent[]>();
  for (const event of events) {
    const log = jobs.get(event.jobId);
    if (log) log.push(event);
    else jobs.set(event.jobId, [event]);
  }
  return jobs;
}
