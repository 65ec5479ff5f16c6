export {
  type BatchCursor,
  type BatchEngineInput,
  type BatchFacts,
  type BatchProgress,
  batchLookMs,
  FIRST_CURSOR,
  moveCursor,
  OPEN_LINES,
} from "./batch.ts";
export {
  type BatchLine,
  isLineOk,
  type LineEnd,
  lineOutput,
  parseBatchLine,
} from "./batch-line.ts";
export type {
  JobArchive,
  JobEngine,
  JobListing,
  JobListRange,
  JobStore,
  OutcomeFiles,
  RunningAttempt,
} from "./contracts.ts";
export { below, findProviderWork, ownTarget } from "./find-provider-work.ts";
export {
  type AttemptEnd,
  type BatchFiles,
  FIRST_TURN,
  type FinalState,
  isAbandoned,
  type JobAttempt,
  type JobLease,
  type JobOutcome,
  type JobRecord,
  type JobResult,
  type JobSnapshot,
  type JobState,
  type JobTurn,
  type JobWait,
  type NotifyTargets,
  type ResultPlace,
  stateOf,
} from "./job.ts";
export {
  ATTEMPT_ENDED_EVENT,
  advance,
  beginRun,
  firstLookMs,
  type JobEngineInput,
  type JobEvent,
  type JobLook,
  type JobRun,
  type JobSignal,
  type JobStep,
  MAKING_MS,
} from "./job-run.ts";
export { addUsage, type JobUsage } from "./job-usage.ts";
export {
  judgePoll,
  MAX_REFUSALS,
  type PollReport,
  type PollVerdict,
  type ProviderWork,
  pollDelayMs,
  type StoredTarget,
} from "./provider-work.ts";
export { isWorthRepeating, retryDelayMs } from "./retry-delay.ts";
export { settleDelayMs } from "./settle-delay.ts";
export {
  firstEvent,
  isFinalEvent,
  nextEvent,
  type StatusChange,
  type StatusEvent,
} from "./status-event.ts";
export { wordOf } from "./word-of.ts";
