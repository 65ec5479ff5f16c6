export { acceptBatch } from "./accept-batch.ts";
export { advanceBatch, type BatchRef, expireBatch } from "./batch-activities.ts";
export { cancelJob, type JobChange, moveJob } from "./change-job.ts";
export { countUsage, sweepUsage } from "./count-usage.ts";
export { createServices, type OwnedServices } from "./create-services.ts";
export { deliverWebhook } from "./deliver-webhook.ts";
export { DeadLetterWatch } from "./end-dead-lettered.ts";
export { finishBatch } from "./finish-batch.ts";
export { type EventsQuery, followJobEvents } from "./follow-job-events.ts";
export { answering, handleRequest } from "./handle-request.ts";
export { instanceGauges } from "./instance-gauges.ts";
export { type InstanceStatus, instanceStatus, readinessProblems } from "./instance-status.ts";
export {
  type AttemptRef,
  checkAttempt,
  type ExpiryRef,
  enqueueAttempt,
  expireJob,
  type LookRef,
  type SettleRef,
  settleEvents,
} from "./job-activities.ts";
export { type DeadLettersQuery, listDeadLetters } from "./list-dead-letters.ts";
export { type JobsQuery, listJobs } from "./list-jobs.ts";
export { type PollRef, pollProvider } from "./poll-provider.ts";
export { probeBackends } from "./probe-backends.ts";
export { type JobQuery, readBatchErrors, readJob, readJobResult } from "./read-job.ts";
export { readJobStream } from "./read-job-stream.ts";
export { type MetricsSource, readMetrics } from "./read-metrics.ts";
export { readReceipt, readStatus } from "./read-status.ts";
export { readUsage } from "./read-usage.ts";

export { type RedeliverQuery, redeliverEvent } from "./redeliver-event.ts";
export { releaseProvider } from "./release-provider.ts";
export { type ResultLinks, resultLinks } from "./result-links.ts";
export { resultPlaceOf } from "./result-place.ts";
export { runLaneMessage } from "./run-lane-message.ts";
export { runSubmission, type SubmissionDelivery } from "./run-submission.ts";
export type { Services } from "./services.ts";
export { settleDeadLetters } from "./settle-dead-letters.ts";
export { sweepIdempotency } from "./sweep-idempotency.ts";
export { sweepJobs } from "./sweep-jobs.ts";
export { TrafficBoard, type TrafficStatus } from "./traffic-board.ts";
export { USAGE_QUEUE } from "./usage-services.ts";
