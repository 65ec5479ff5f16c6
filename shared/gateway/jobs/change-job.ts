import { priorityOf } from "../../admission/index.ts";
import { parseJobPatch } from "../../api/index.ts";
import { collectBytes } from "../../core/bytes.ts";
import type { PriorityClass } from "../../core/domain.ts";
import { GatewayError } from "../../core/errors.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import { type JobEngine, type JobSnapshot, stateOf } from "../../jobs/index.ts";
import type { Recognised } from "../entry/recognise.ts";
import type { JobServices, Services } from "../services.ts";
import { signalEngine } from "./job-attempt.ts";
import { endJob } from "./job-transitions.ts";
import { jobView } from "./job-view.ts";
import { findOwn, type JobQuery } from "./read-job.ts";

const MAX_PATCH_BYTES = 16_384;

/** What is to be changed of a job, and who owns its course. */
export interface JobChange extends JobQuery {
  readonly engine: JobEngine;
  readonly body?: AsyncIterable<Uint8Array> | undefined;
}

/**
 * Cancels a job: its outcome is inserted like any other, so that it never runs, or stops running
 * wherever it does. A job that has ended otherwise stays as it ended.
 */
export async function cancelJob(services: Services, change: JobChange): Promise<GatewayResponse> {
  const { snapshot, jobs } = await findOwn(services, change);
  const { id: jobId } = snapshot.job;
  if (snapshot.outcome) return jsonResponse(200, await jobView(services, snapshot));
  const { attempt } = snapshot.turn;
  const ref = { services, jobs, jobId, engine: change.engine };
  const outcome = await endJob(ref, {
    state: "cancelled",
    endedAt: services.clock.now(),
    attempt: snapshot.attempts === 0 ? 0 : attempt,
  });
  await signalEngine(ref, { attempt, isFinal: true, isAbandoned: true });
  return jsonResponse(200, await jobView(services, { ...snapshot, outcome }));
}

/**
 * Moves a job that waits to the lane of another class. The turn's row decides between the move and the
 * worker that begins: the message in the old lane is void from then on, and the orchestrator, told now
 * or at its next look, sends the new one.
 */
export async function moveJob(services: Services, change: JobChange): Promise<GatewayResponse> {
  const { snapshot, jobs, asker } = await findOwn(services, change);
  const { priority } = await readPatch(services, change.body);
  const { job, turn } = snapshot;
  // The lines of a batch are many messages, which nobody can move as one.
  if (stateOf(snapshot) !== "queued" || job.batch) throw notWaiting(snapshot);
  if (priority === snapshot.priority) return jsonResponse(200, await jobView(services, snapshot));
  if (asker && priority < mostUrgentFor(asker, snapshot)) {
    throw new GatewayError("priority-not-allowed", "The class is more urgent than the caller's.");
  }
  if (!(await jobs.store.move(job.id, turn, priority))) throw notWaiting(snapshot);
  const epoch = turn.epoch + 1;
  const ref = { services, engine: change.engine, jobId: job.id };
  await signalEngine(ref, { attempt: turn.attempt, isFinal: false, epoch });
  return jsonResponse(200, await jobView(services, await moved(jobs, snapshot)));
}

/** A job is moved to no class in which its owner could not have asked for it: what is needed for that is needed here. */
const mostUrgentFor = ({ headers, policy }: Recognised, { job }: JobSnapshot): PriorityClass =>
  Math.min(priorityOf(headers, policy.settings), job.priority);

const notWaiting = (snapshot: JobSnapshot): GatewayError =>
  new GatewayError(
    "job-not-waiting",
    snapshot.outcome ? "The job has ended." : "The job runs already.",
  );

async function moved({ store }: JobServices, before: JobSnapshot): Promise<JobSnapshot> {
  return (await store.read(before.job.id)) ?? before;
}

async function readPatch(
  { lanes }: Services,
  body: AsyncIterable<Uint8Array> | undefined,
): Promise<{ readonly priority: number }> {
  const bytes = body ? await collectBytes(body, MAX_PATCH_BYTES).catch(() => undefined) : undefined;
  const patch = parseJobPatch(Buffer.from(bytes ?? []).toString());
  if (!patch.ok) throw new GatewayError("bad-request", patch.detail);
  if (lanes.lanes.some((lane) => lane.priority === patch.value.priority)) return patch.value;
  throw new GatewayError("bad-request", "There is no such priority class.");
}
