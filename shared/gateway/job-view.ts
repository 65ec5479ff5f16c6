import type { JobView } from "../api/index.ts";
import { type JobAttempt, type JobSnapshot, stateOf } from "../jobs/index.ts";
import { resultLinks } from "./result-links.ts";
import type { Services } from "./services.ts";

const toTime = (epochMs: number): string => new Date(epochMs).toISOString();

/** Where a job is found. Relative, so that they hold behind any front door. */
export function jobLinks(id: string): { self: string; result: string; events: string } {
  return { self: `/jobs/${id}`, result: `/jobs/${id}/result`, events: `/jobs/${id}/events` };
}

/** A job as its owner sees it. */
export async function jobView(
  services: Pick<Services, "jobs" | "emit">,
  snapshot: JobSnapshot,
): Promise<JobView> {
  const { job, priority, attempts, history, startedAt, outcome } = snapshot;
  return {
    id: job.id,
    state: stateOf(snapshot),
    priority,
    attempts,
    history: history.map(attemptView),
    createdAt: toTime(job.createdAt),
    expiresAt: toTime(job.expiresAt),
    ...(startedAt === undefined ? {} : { startedAt: toTime(startedAt) }),
    ...(outcome ? { endedAt: toTime(outcome.endedAt) } : {}),
    ...(outcome?.error ? { error: outcome.error } : {}),
    ...(outcome?.result
      ? { result: { status: outcome.result.status, sizeBytes: outcome.result.sizeBytes } }
      : {}),
    links: { ...jobLinks(job.id), ...(await resultLinks(services, job)) },
  };
}

function attemptView({ attempt, startedAt, end }: JobAttempt): JobView["history"][number] {
  const begun = { attempt, startedAt: toTime(startedAt) };
  if (!end) return begun;
  const { endedAt, reason, retryAfterMs } = end;
  return { ...begun, endedAt: toTime(endedAt), reason, retryAt: toTime(endedAt + retryAfterMs) };
}
