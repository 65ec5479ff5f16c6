import { isFinalEvent, type StatusEvent } from "../../jobs/index.ts";
import { jobLinks } from "../jobs/job-view.ts";

/** An event as topics, webhooks and readers see it. */
export function eventView(jobId: string, event: StatusEvent) {
  const { sequence, status, state, at, attempt, retryAt, resultStatus, error } = event;
  return {
    jobId,
    sequence,
    state,
    status,
    at: new Date(at).toISOString(),
    attempt,
    isFinal: isFinalEvent(event),
    ...(retryAt === undefined ? {} : { retryAt: new Date(retryAt).toISOString() }),
    ...(resultStatus === undefined ? {} : { resultStatus }),
    ...(error === undefined ? {} : { error }),
    links: jobLinks(jobId),
  };
}
