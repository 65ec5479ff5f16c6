import { sweepJobs } from "../../../../shared/gateway/index.ts";
import { isFinalEvent, type JobSnapshot, stateOf } from "../../../../shared/jobs/index.ts";
import { SurvivalWorld, type Told, type WorldOptions } from "./survival-world.ts";

const ASKED = 6;
const ASK_UNTIL_MS = 30_000;
const TTL_SECONDS = 3600;
const WITHIN_MS = 1_200_000;
const LATE_MS = 30_000;

/** Lets clients come while things go wrong, waits for the end of it all, and returns what is wrong then. */
export async function play(options: WorldOptions): Promise<readonly string[]> {
  const world = new SurvivalWorld(options);
  const asking: Promise<void>[] = [];
  for (let step = 0; step * 1000 < ASK_UNTIL_MS; step++) {
    await world.step();
    if (step % Math.floor(ASK_UNTIL_MS / 1000 / ASKED) === 0) asking.push(ask(world, step));
    disturb(world);
  }
  const isOver = await world.settle(WITHIN_MS);
  // Whoever works on for a job that others have ended has noticed by then.
  await world.pass(LATE_MS);
  const found = [...world.violations];
  if (!isOver) found.push("Something is never over.");
  for (const told of world.told) found.push(...(await violationsOf(world, told)));
  return [...found, ...(await remainsOf(world))];
}

function ask(world: SurvivalWorld, step: number): Promise<void> {
  const isKeyed = world.random() < 0.4;
  const isPatient = !isKeyed && world.random() < 0.6;
  const asked = {
    id: world.newId(),
    body: `question ${step}`,
    headers: [
      isPatient
        ? (["Prefer", "respond-async, wait=3"] as const)
        : (["S7PAsyncMode", "true"] as const),
      ["S7PTTL", String(TTL_SECONDS)],
      ...(isKeyed ? [["Idempotency-Key", `key-${step}`] as const] : []),
    ] as const,
  };
  return world.ask(asked, { isKeyed });
}

/** Now and then somebody cancels a job, or moves it to another class. */
function disturb(world: SurvivalWorld): void {
  const ids = world.told.flatMap(({ jobs }) => [...jobs]);
  const id = ids[Math.floor(world.random() * ids.length)];
  if (id === undefined) return;
  if (world.random() < 0.02) void world.cancel(id).catch(() => {});
  if (world.random() > 0.1) return;
  void world.move(id, 1 + Math.floor(world.random() * 3)).catch(() => {});
}

async function violationsOf(
  world: SurvivalWorld,
  { asked, jobs, answers }: Told,
): Promise<string[]> {
  const found: string[] = [];
  for (const answer of answers) {
    if (answer !== `echo ${asked.body}`) found.push(`${asked.id}: was answered ${answer}`);
  }
  if (jobs.size > 1) found.push(`${asked.id}: one key is ${jobs.size} jobs`);
  for (const id of jobs) {
    const snapshot = await world.instance.services.jobs?.store.read(id);
    if (!snapshot) found.push(`${id}: was answered 202 and is gone`);
    else found.push(...(await verdictOn(world, snapshot, asked.body)));
  }
  return found.map((each) => `${each}`);
}

async function verdictOn(
  world: SurvivalWorld,
  snapshot: JobSnapshot,
  question: string,
): Promise<string[]> {
  const { outcome, job } = snapshot;
  const state = stateOf(snapshot);
  if (!outcome) return [`${job.id}: is ${state} for ever`];
  const found: string[] = [];
  if (state === "cancelled" && !world.cancelled.has(job.id))
    found.push(`${job.id}: nobody cancelled it`);
  if (state === "expired") found.push(`${job.id}: expired after ${snapshot.attempts} attempts`);
  if (outcome.error?.code === "delivery-failed") found.push(`${job.id}: delivery-failed`);
  if (outcome.result) {
    const bytes = world.results.blobs.get(outcome.result.blob);
    if (!bytes) found.push(`${job.id}: its result is gone`);
    else if (outcome.result.status === 200 && bytes.toString() !== `echo ${question}`) {
      found.push(`${job.id}: has the result ${bytes}`);
    }
  }
  const log = await world.instance.services.jobs?.eventLog.read(job.id);
  const finals = log?.events.filter(isFinalEvent) ?? [];
  if (finals.length !== 1 || finals[0] !== log?.events.at(-1)) {
    found.push(`${job.id}: ${finals.length} final events`);
  }
  return found;
}

/** When its time is over, nothing of a job is left. */
async function remainsOf(world: SurvivalWorld): Promise<string[]> {
  const { services } = world.instance;
  const ids = world.engine.ids;
  await world.settleCalls(
    sweepJobs(services, {
      endedBefore: async () => ids,
      purge: async (id) => world.engine.purge(id),
    }),
  );
  // A body whose request came to nothing before there was an engine goes by the rule of its container.
  const ofNobody = (name: string): boolean =>
    !ids.some((id) => name.startsWith(`jobs/${id}/`) || name.startsWith(`${id}/`));
  const rows = [...world.table.rows.keys()].filter((key) =>
    ids.some((id) => key.startsWith(`${id}/`)),
  );
  // Answers that are kept for a key go with the key.
  const work = [...world.work.blobs.keys()].filter(
    (name) => !name.startsWith("idempotency/") && !ofNobody(name),
  );
  const blobs = [...work, ...world.results.blobs.keys()];
  return [...rows, ...blobs].map((each) => `${each} is left`);
}
