import type { JobSnapshot, JobTurn } from "./job.ts";
import type { JobSignal } from "./job-run.ts";

/**
 * What there is to say to an orchestrator that waits for a turn: that the job has ended, that the
 * attempt is to be repeated, or that its turn was moved. Undefined while it waits with reason.
 */
export function wordOf(
  { outcome, history, turn: current }: JobSnapshot,
  { attempt, epoch }: JobTurn,
): JobSignal | undefined {
  if (outcome) return { attempt, isFinal: true };
  const end = history.find((entry) => entry.attempt === attempt)?.end;
  if (end) return { attempt, isFinal: false, retryAfterMs: end.retryAfterMs };
  const isMoved = current.attempt === attempt && current.epoch > epoch;
  return isMoved ? { attempt, isFinal: false, epoch: current.epoch } : undefined;
}
