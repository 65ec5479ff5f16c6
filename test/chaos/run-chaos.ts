import { seededRandom } from "../../local/replay/seeded-random.ts";
import { type ChaosBackends, startBackends } from "./chaos-backend.ts";
import { findViolations, type JobFacts } from "./find-violations.ts";
import { type Kills, killAtRandom } from "./kill-at-random.ts";
import type { ChaosOptions } from "./options.ts";
import { type PlannedJob, planJob } from "./plan-job.ts";
import { type Aftermath, readAftermath } from "./read-aftermath.ts";
import { readEnds } from "./read-end.ts";
import { sendJobs } from "./send-job.ts";
import { StackUnderFire } from "./stack-under-fire.ts";

/** What a run came to. */
export interface ChaosResult {
  readonly jobs: readonly JobFacts[];
  readonly kills: Kills;
  /** Calls that met a backend on a bad day. */
  readonly refusedCalls: number;
  readonly aftermath: Aftermath;
  /** What was promised and is not so, by the number of the job. */
  readonly violations: ReadonlyMap<number, readonly string[]>;
  readonly tookMs: number;
  /** Everything that the stack's processes printed. */
  readonly output: string;
}

export interface ChaosRun extends ChaosOptions {
  readonly dataDir: string;
  readonly log: (line: string) => void;
}

interface Field {
  readonly run: ChaosRun;
  readonly stack: StackUnderFire;
  readonly backends: ChaosBackends;
  readonly plans: readonly PlannedJob[];
}

// Time between two kills on average: a part is up again after two or three seconds.
const KILL_SPACING_MS = 5000;
// Of the time that a run has: the rest is for what is under way then, and for the checks.
const FIRE_SHARE = 0.6;
// Who has no 202 by then gets none any more, so that there is time to look at what the others have.
const ASKED_SHARE = 0.75;
const ENDED_SHARE = 0.9;
// With two backends in each, an attempt is never the last one: what ends a job is its answer.
const MAX_ATTEMPTS = "40";
const TAIL_CHARACTERS = 4000;

/** Sends jobs, kills what serves them, and looks at what became of each. */
export async function runChaos(run: ChaosRun): Promise<ChaosResult> {
  const overMs = Math.min(run.withinMs * FIRE_SHARE, Math.max(run.kills, 1) * KILL_SPACING_MS);
  const plans = Array.from({ length: run.jobs }, (_, number) => planJob(run.seed, number, overMs));
  await using backends = await startBackends(plans, seededRandom(run.seed + 1));
  const stack = await StackUnderFire.start(run.dataDir, settingsFor(backends));
  try {
    return await underFire({ run, stack, backends, plans }, overMs);
  } catch (error) {
    run.log(stack.output().slice(-TAIL_CHARACTERS));
    throw error;
  } finally {
    await stack.stop();
  }
}

async function underFire(field: Field, overMs: number): Promise<ChaosResult> {
  const { run, stack, backends, plans } = field;
  const startedAt = Date.now();
  const { seed, kills, log, withinMs } = run;
  const sent = sendJobs(stack.url, plans, AbortSignal.timeout(withinMs * ASKED_SHARE));
  const random = seededRandom(seed + 2);
  const untilMs = startedAt + withinMs * FIRE_SHARE;
  const spacingMs = overMs / Math.max(kills, 1);
  const killed = await killAtRandom({ stack, random, kills, spacingMs, untilMs, log });
  const clients = await sent;
  backends.calmDown();
  log(`the last kill is done, ${clients.length} clients are content`);
  const leftMs = startedAt + withinMs * ENDED_SHARE - Date.now();
  const ends = await readEnds(stack.url, clients, AbortSignal.timeout(Math.max(leftMs, 1)));
  log("all jobs were looked at");
  const aftermath = await readAftermath(stack, run, clients, startedAt + withinMs);
  const jobs = clients.map((client, number) => ({
    sent: client,
    end: ends[number],
    told: aftermath.told.get(ends[number]?.view.id ?? "") ?? [],
    calls: backends.calls.get(number),
  }));
  const violations = new Map(
    jobs
      .map((facts, number) => [number, findViolations(facts)] as const)
      .filter(([, found]) => found.length > 0),
  );
  const tookMs = Date.now() - startedAt;
  return {
    jobs,
    kills: killed,
    refusedCalls: backends.refusedCalls,
    aftermath,
    violations,
    tookMs,
    output: stack.output(),
  };
}

function settingsFor({ urls }: ChaosBackends): Record<string, string> {
  const hosts = urls.map((url, index) => [`Host${index + 1}`, `host=${url};mode=direct`]);
  return {
    ...Object.fromEntries(hosts),
    GATEWAY_JOBS_TOPIC: "job-status",
    GATEWAY_JOBS_MAX_ATTEMPTS: MAX_ATTEMPTS,
    GATEWAY_JOBS_RECONCILE_SECONDS: "10",
    // A silent backend is given up after this.
    AsyncTimeout: "5000",
    CBTimeslice: "3",
    Workers: "20",
  };
}
