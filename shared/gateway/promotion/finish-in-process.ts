import { delay } from "../../core/clock.ts";
import { toGatewayError } from "../../core/errors.ts";
import type { GatewayResponse } from "../../core/http.ts";
import { detachedWorkFailed } from "../../telemetry/index.ts";
import type { AnswerSlot } from "../calls/answer-watch.ts";
import { isTtlExpired, JobEndedError } from "../end-reasons.ts";
import {
  type AttemptResult,
  commitAttempt,
  type JobAttemptRun,
  resultOfAnswer,
  resultOfError,
  signalEngine,
} from "../jobs/job-attempt.ts";
import { watchJob } from "../jobs/watch-job.ts";
import type { OpenAnswer } from "../results/open-answer.ts";
import { leaseFrom } from "./job-lease.ts";

export interface DetachedAnswer {
  readonly working: Promise<GatewayResponse>;
  /** Ends the work. */
  readonly stop: Pick<AbortController, "abort" | "signal">;
  /** Where the answer is watched. */
  readonly usage?: AnswerSlot | undefined;
}

const COMMIT_TRIES = 60;
const COMMIT_RETRY_MS = 2000;

/**
 * Brings work to its end whose caller has gone with a 202: its answer becomes the job's result. What
 * says nothing of the backends, an instance that ends above all, hands the job to a lane. Never rejects.
 */
export async function finishInProcess(run: JobAttemptRun, work: DetachedAnswer): Promise<void> {
  const { services, jobs, jobId, attempt } = run;
  const { stop } = work;
  try {
    const beat = (): Promise<void> => jobs.store.renewLease(jobId, leaseFrom(services.clock));
    using watch = watchJob(run, stop.signal, beat);
    const onEnded = (): void => stop.abort(watch.signal.reason);
    watch.signal.addEventListener("abort", onEnded, { once: true });
    const told = jobs.events.announce(jobId, { kind: "running", attempt });
    const result = await resultOf(run, work);
    await told;
    if (result) await commitPatiently(run, result, stop.signal);
  } catch (error) {
    // The lease runs out, and the orchestrator begins anew.
    services.emit(detachedWorkFailed(jobId, error));
  }
}

/** Undefined when there is nothing to commit: the job has ended, or is about to expire. */
async function resultOf(
  run: JobAttemptRun,
  { working, stop, usage }: DetachedAnswer,
): Promise<AttemptResult | undefined> {
  try {
    return await resultOfAnswer(run, { ...toOpenAnswer(await working), usage }, stop.signal);
  } catch (error) {
    if (stop.signal.reason instanceof JobEndedError) {
      await signalEngine(run, { attempt: run.attempt, isFinal: true });
      return undefined;
    }
    if (isTtlExpired(error)) return undefined;
    const result = stop.signal.aborted ? undefined : resultOfError(run, error);
    if (result) return result;
    const reason = stop.signal.aborted ? "instance-stopped" : toGatewayError(error).code;
    return { retryAfterMs: 0, reason };
  }
}

/** The answer is in hand and may have cost much: a storage that is away for a while must not lose it. */
async function commitPatiently(
  run: JobAttemptRun,
  result: AttemptResult,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await commitAttempt(run, result);
    } catch (error) {
      if (tries === COMMIT_TRIES || signal.aborted) throw error;
      await delay(run.services.clock, COMMIT_RETRY_MS, signal);
    }
  }
}

function toOpenAnswer({ status, headers, body, route }: GatewayResponse): OpenAnswer {
  const pieces = body === undefined || body instanceof Uint8Array ? whole(body) : body;
  return {
    status,
    headers,
    body: pieces,
    called: route?.called,
    backend: route?.backend,
    discard: () =>
      void pieces[Symbol.asyncIterator]()
        .return?.()
        .catch(() => {}),
  };
}

async function* whole(bytes: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (bytes) yield bytes;
}
