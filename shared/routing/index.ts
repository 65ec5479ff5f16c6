export { BackendPool, type Candidate, type PoolSettings } from "./backend-pool.ts";
export type { BackendState, BackendTurn, CallOutcome } from "./backend-state.ts";
export type { BackendView, PassedOver, PassedOverReason } from "./backend-view.ts";
export { backoffMs } from "./backoff.ts";
export { isContextRefusal, isContextStatus } from "./context-refusal.ts";
export { exhaustedStatus, isPassedOn, judgeAnswer, type Verdict } from "./judge-answer.ts";
export { type Match, matchHosts, type ServingHost, servingHost } from "./match-hosts.ts";
export { isResting, nextStep } from "./next-step.ts";
export {
  type AttemptRecord,
  type Decision,
  type DecisionReceipt,
  receiptHeader,
  toDecision,
} from "./receipt.ts";
export type { LineTurn, RestLine } from "./rest-line.ts";
export { rewriteModelInBody, rewriteModelInTarget } from "./rewrite-model.ts";
export type { RouteQuery, Selection, TooLongFor, TriedMark } from "./select-backends.ts";
export { utilizationIn } from "./utilization.ts";
