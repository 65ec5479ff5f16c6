import * as df from "durable-functions";
import { advanceBatch, type BatchRef, expireBatch, finishBatch } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { BATCH_ACTIVITIES } from "./batch.orchestrator.ts";

/** The steps of a batch that touch the world; each may run more than once. */
export function registerBatchActivities({ owned }: AppContext): void {
  const { services } = owned;
  df.app.activity(BATCH_ACTIVITIES.advance, {
    handler: (ref: BatchRef) => advanceBatch(services, ref),
  });
  df.app.activity(BATCH_ACTIVITIES.expire, {
    handler: ({ jobId }: Pick<BatchRef, "jobId">) => expireBatch(services, jobId),
  });
  df.app.activity(BATCH_ACTIVITIES.finish, {
    handler: ({ jobId }: Pick<BatchRef, "jobId">) => finishBatch(services, jobId),
  });
}
