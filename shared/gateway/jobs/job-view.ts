import type { JobView } from "../../api/index.ts";
import {
  type BatchFacts,
  type JobAttempt,
  type JobRecord,
  type JobSnapshot,
  stateOf,
} from "../../jobs/index.ts";
import { laneFor } from "../lanes/lane-for.ts";
import { resultLinks } from "../results/result-links.ts";
import type { Services } from "../services.ts";

const toTime = (epochMs: number): string => new Date(epochMs).toISOString();

/** Where a job is found. Relative, so that they hold behind any front door. */
export function jobLinks(id: string): { self: string; result: string; events: string } {
  return { self: `/jobs/${id}`, result: `/jobs/${id}/result`, events: `/jobs/${id}/events` };
}

/** The errors of a batch, or the stream of a job that is one request: a batch has none. */
export const linksOfKind = ({
  id,
  batch,
}: Pick<JobRecord, "id" | "batch">): Pick<JobView["links"], "stream" | "errors"> =>
  batch ? { errors: `/jobs/${id}/errors` } : { stream: `/jobs/${id}/stream` };

/** A job as its owner sees it. */
export async function jobView(services: Services, snapshot: JobSnapshot): Promise<JobView> {
  const { job, priority, attempts, history, startedAt, provider, outcome } = snapshot;
  return {
    id: job.id,
    state: stateOf(snapshot),
    priority,
    attempts,
    ...(isInLane(services, snapshot) ? { waiting: outlookOf(services, snapshot) } : {}),
    ...waitView(services, snapshot),
    history: history.map(attemptView),
    createdAt: toTime(job.createdAt),
    expiresAt: toTime(job.expiresAt),
    ...(startedAt === undefined ? {} : { startedAt: toTime(startedAt) }),
    ...(provider ? { handedOverAt: toTime(provider.takenAt) } : {}),
    ...(outcome ? { endedAt: toTime(outcome.endedAt) } : {}),
    ...(outcome?.error ? { error: outcome.error } : {}),
    ...(outcome?.result
      ? { result: { status: outcome.result.status, sizeBytes: outcome.result.sizeBytes } }
      : {}),
    ...usageView(snapshot),
    ...(job.batch ? { request_counts: countsOf(job.batch, snapshot) } : {}),
    links: { ...jobLinks(job.id), ...linksOfKind(job), ...(await resultLinks(services, job)) },
  };
}

/** It runs by its state, though it waits for its backends: its owner is told when it asks them again. */
function waitView(
  { clock }: Services,
  { wait, history, outcome }: JobSnapshot,
): Pick<JobView, "looksAgainAt"> {
  const last = history.at(-1);
  const isNow = wait?.attempt === last?.attempt && !last?.end && !outcome;
  return wait && isNow && wait.until > clock.now() ? { looksAgainAt: toTime(wait.until) } : {};
}

/** Of a batch: of all its lines, once its files are made. */
function usageView({ outcome, files }: JobSnapshot): Pick<JobView, "usage"> {
  const usage = outcome?.usage ?? files?.usage;
  return usage ? { usage } : {};
}

const countsOf = ({ lines }: BatchFacts, { progress }: JobSnapshot) => ({
  total: lines,
  completed: progress?.completed ?? 0,
  failed: progress?.failed ?? 0,
});

/** Whether the job waits for a worker, and not for the time of its next attempt. */
function isInLane({ clock }: Services, snapshot: JobSnapshot): boolean {
  if (stateOf(snapshot) !== "queued") return false;
  const end = snapshot.history.at(-1)?.end;
  return !end || end.endedAt + end.retryAfterMs <= clock.now();
}

function outlookOf(
  { fairShare, lanes }: Services,
  { job, priority }: JobSnapshot,
): NonNullable<JobView["waiting"]> {
  const caller = { userId: job.owner, groupId: job.group };
  const lane = laneFor(lanes, priority);
  const { position, estimatedWaitMs } = fairShare.book.judge(lane.priority, caller);
  return {
    position,
    ...(estimatedWaitMs === undefined ? {} : { estimatedWaitMs: Math.round(estimatedWaitMs) }),
  };
}

function attemptView({ attempt, startedAt, end }: JobAttempt): JobView["history"][number] {
  const begun = { attempt, startedAt: toTime(startedAt) };
  if (!end) return begun;
  const { endedAt, reason, retryAfterMs } = end;
  return { ...begun, endedAt: toTime(endedAt), reason, retryAt: toTime(endedAt + retryAfterMs) };
}
