import * as df from "durable-functions";
import {
  type AttemptRef,
  checkAttempt,
  type ExpiryRef,
  enqueueAttempt,
  expireJob,
  type LookRef,
  type PollRef,
  pollProvider,
  releaseProvider,
  type SettleRef,
  settleEvents,
} from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { JOB_ACTIVITIES } from "./job.orchestrator.ts";

/** The steps of a job that touch the world; each may run more than once. */
export function registerJobActivities({ owned }: AppContext): void {
  const { services } = owned;
  df.app.activity(JOB_ACTIVITIES.enqueue, {
    handler: (ref: AttemptRef) => enqueueAttempt(services, ref),
  });
  df.app.activity(JOB_ACTIVITIES.check, {
    handler: (ref: LookRef) => checkAttempt(services, ref),
  });
  df.app.activity(JOB_ACTIVITIES.expire, {
    handler: (ref: ExpiryRef) => expireJob(services, ref),
  });
  df.app.activity(JOB_ACTIVITIES.poll, {
    handler: (ref: PollRef) => pollProvider(services, ref),
  });
  df.app.activity(JOB_ACTIVITIES.release, {
    handler: ({ jobId }: AttemptRef) => releaseProvider(services, jobId),
  });
  df.app.activity(JOB_ACTIVITIES.settle, {
    handler: (ref: SettleRef) => settleEvents(services, ref),
  });
}
