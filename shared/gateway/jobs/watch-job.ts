import type { Cancel } from "../../core/clock.ts";
import { JobEndedError } from "../end-reasons.ts";
import type { JobRef } from "./job-transitions.ts";

// A job that is cancelled stops within about this time, on whatever instance it runs.
const POLL_MS = 2000;

/** Watches a job while its attempt runs. Scope: per invocation. */
export interface JobWatch extends Disposable {
  /** Aborts with the parent's reason, or with a `JobEndedError` when the job has ended elsewhere. */
  readonly signal: AbortSignal;
}

/**
 * Asks now and then whether a job has ended while its attempt runs: cancelled, expired, or finished by
 * another delivery. A storage that does not answer is asked again; `beat` is called as often.
 */
export function watchJob(
  { services, jobs, jobId }: JobRef,
  parent: AbortSignal,
  beat: () => Promise<void> = async () => {},
): JobWatch {
  const ended = new AbortController();
  let cancel: Cancel;
  let isDone = false;
  const look = async (): Promise<void> => {
    try {
      if (await jobs.store.hasEnded(jobId)) ended.abort(new JobEndedError("The job has ended."));
      else await beat();
    } catch {
      // The next look may find the storage back.
    }
    if (!isDone && !ended.signal.aborted) arm();
  };
  const arm = (): void => {
    cancel = services.clock.schedule(POLL_MS, () => void look());
  };
  arm();
  return {
    signal: AbortSignal.any([parent, ended.signal]),
    [Symbol.dispose]() {
      isDone = true;
      cancel();
    },
  };
}
