export { acceptBatch } from "./batches/accept-batch.ts";
export { advanceBatch, type BatchRef, expireBatch } from "./batches/batch-activities.ts";
export { finishBatch } from "./batches/finish-batch.ts";
export { probeBackends } from "./calls/probe-backends.ts";
export { createServices, type OwnedServices } from "./create-services.ts";
export { DeadLetterWatch } from "./dead-letters/dead-letter-watch.ts";
export { type DeadLettersQuery, listDeadLetters } from "./dead-letters/list-dead-letters.ts";
export { settleDeadLetters } from "./dead-letters/settle-dead-letters.ts";
export { answering, handleRequest } from "./handle-request.ts";
export { sweepIdempotency } from "./idempotency/sweep-idempotency.ts";
export { deliverWebhook } from "./job-events/deliver-webhook.ts";
export { type EventsQuery, followJobEvents } from "./job-events/follow-job-events.ts";
export { type RedeliverQuery, redeliverEvent } from "./job-events/redeliver-event.ts";
export { cancelJob, type JobChange, moveJob } from "./jobs/change-job.ts";
export {
  type AttemptRef,
  checkAttempt,
  type ExpiryRef,
  enqueueAttempt,
  expireJob,
  type LookRef,
  type SettleRef,
  settleEvents,
} from "./jobs/job-activities.ts";
export { listJobs } from "./jobs/list-jobs.ts";
export { type PollRef, pollProvider } from "./jobs/poll-provider.ts";
export { readBatchErrors, readJob, readJobResult } from "./jobs/read-job.ts";
export { readJobStream } from "./jobs/read-job-stream.ts";
export { releaseProvider } from "./jobs/release-provider.ts";
export { runSubmission } from "./jobs/run-submission.ts";
export { sweepJobs } from "./jobs/sweep-jobs.ts";
export { instanceGauges } from "./operators/instance-gauges.ts";
export { type InstanceStatus, readinessProblems } from "./operators/instance-status.ts";
export { readMetrics } from "./operators/read-metrics.ts";
export { readReceipt, readStatus } from "./operators/read-status.ts";
export { TrafficBoard } from "./operators/traffic-board.ts";
export { resultLinks } from "./results/result-links.ts";
export type { Services } from "./services.ts";
export { runLaneMessage } from "./serving/run-lane-message.ts";
export { countUsage, sweepUsage } from "./usage/count-usage.ts";
export { readUsage } from "./usage/read-usage.ts";
export { USAGE_QUEUE } from "./usage/usage-services.ts";
