import { isAbandoned, type JobSnapshot, type JobTurn } from "./job.ts";
import type { JobSignal } from "./job-run.ts";

/**
 * What there is to say to an orchestrator that waits for a turn: that the job has ended, that the
 * attempt is to be repeated, that a provider goes on with it, or that its turn was moved. Undefined while it waits with reason.
 */
export function wordOf(
  { outcome, history, turn: current, provider }: JobSnapshot,
  { attempt, epoch }: JobTurn,
): JobSignal | undefined {
  if (outcome) {
    const goesOn = provider !== undefined && isAbandoned(outcome);
    return { attempt, isFinal: true, ...(goesOn ? { isAbandoned: true } : {}) };
  }
  const end = history.find((entry) => entry.attempt === attempt)?.end;
  if (end) return { attempt, isFinal: false, retryAfterMs: end.retryAfterMs };
  if (provider?.attempt === attempt) {
    const { retryAfterMs } = provider;
    const asked = retryAfterMs === undefined ? {} : { retryAfterMs };
    return { attempt, isFinal: false, isHandedOver: true, ...asked };
  }
  const isMoved = current.attempt === attempt && current.epoch > epoch;
  return isMoved ? { attempt, isFinal: false, epoch: current.epoch } : undefined;
}
