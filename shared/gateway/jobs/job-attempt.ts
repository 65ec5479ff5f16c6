import { GatewayError } from "../../core/errors.ts";
import { retryAfterMs } from "../../core/retry-after.ts";
import {
  isWorthRepeating,
  type JobEngine,
  type JobOutcome,
  type JobSignal,
  type ProviderWork,
  retryDelayMs,
} from "../../jobs/index.ts";
import { jobSignalFailed } from "../../telemetry/index.ts";
import { keepAnswer } from "../results/keep-answer.ts";
import type { OpenAnswer } from "../results/open-answer.ts";
import type { JobServices, Services } from "../services.ts";
import { sightAnswer } from "./hand-over.ts";
import { endJob, handOverJob, retryJob } from "./job-transitions.ts";
import { cancelWork } from "./release-provider.ts";

/** One run of an attempt, in a lane's worker or in process. Scope: per invocation. */
export interface JobAttemptRun {
  readonly services: Services;
  readonly jobs: JobServices;
  readonly engine: JobEngine;
  readonly jobId: string;
  readonly attempt: number;
  readonly maxAttempts: number;
}

/** What an attempt came to: the job's end, work that a provider goes on with, or another attempt later. */
export type AttemptResult =
  | { readonly outcome: JobOutcome }
  | { readonly work: ProviderWork }
  | { readonly retryAfterMs: number; readonly reason: string };

/** Keeps an answer as the job's result, unless another attempt may do better. */
export async function resultOfAnswer(
  run: JobAttemptRun,
  answer: OpenAnswer,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { clock } = run.services;
  const { status } = answer;
  if (canRepeat(run) && isWorthRepeating(status)) {
    answer.discard();
    const askedMs = retryAfterMs(answer.headers, clock.now());
    return { retryAfterMs: nextDelayMs(run, askedMs), reason: `status-${status}` };
  }
  const sighted = await sightAnswer(run, answer, signal);
  if ("work" in sighted) return sighted;
  const { kept } = await keepAnswer(run, sighted.answer, signal);
  const state = status < 400 ? "succeeded" : "failed";
  return { outcome: { state, endedAt: clock.now(), attempt: run.attempt, ...kept } };
}

/** What an error comes to; undefined for one that says nothing of the backends. */
export function resultOfError(run: JobAttemptRun, error: unknown): AttemptResult | undefined {
  if (!isBackendError(error)) return undefined;
  if (canRepeat(run) && error.code !== "no-route") {
    return { retryAfterMs: nextDelayMs(run, error.retryAfterMs), reason: error.code };
  }
  return { outcome: failedOutcome(run, { code: error.code, detail: error.message }) };
}

/** The end of a job that the gateway itself gives up. */
export function failedOutcome(
  { services, attempt }: Pick<JobAttemptRun, "services" | "attempt">,
  error: { code: string; detail: string },
): JobOutcome {
  return { state: "failed", endedAt: services.clock.now(), attempt, error };
}

/** Commits what an attempt came to, and then tells the orchestrator. */
export async function commitAttempt(run: JobAttemptRun, result: AttemptResult): Promise<void> {
  const { attempt } = run;
  if ("retryAfterMs" in result) {
    await retryJob(run, result);
    return signalEngine(run, { attempt, isFinal: false, retryAfterMs: result.retryAfterMs });
  }
  if ("work" in result) {
    await commitHandOver(run, result.work);
    return signalEngine(run, { attempt, isFinal: false, isHandedOver: true });
  }
  await commitOutcome(run, result.outcome);
  return signalEngine(run, { attempt, isFinal: true });
}

/** Ends the job, unless it has ended otherwise. */
export async function commitOutcome(
  run: Pick<JobAttemptRun, "services" | "jobs" | "jobId">,
  outcome: JobOutcome,
): Promise<void> {
  const standing = await endJob(run, outcome);
  const lost = outcome.result?.blob;
  if (lost !== undefined && standing.result?.blob !== lost) {
    // Another delivery committed first; its bytes are the job's, these are nobody's.
    await run.jobs.results.remove(lost).catch(() => {});
  }
}

/** Of two deliveries whose work providers have taken, one goes on; so does none for a job that has ended. */
async function commitHandOver(run: JobAttemptRun, work: ProviderWork): Promise<void> {
  const { services, jobs, jobId } = run;
  const standing = await handOverJob(run, work);
  const isOurs = standing.poll.target === work.poll.target;
  if (isOurs && !(await jobs.store.hasEnded(jobId))) return;
  const snapshot = await jobs.store.read(jobId);
  if (snapshot) await cancelWork(services, snapshot.job, work);
}

/** Tells the orchestrator; a signal that is lost is found by its reconciling timer. */
export async function signalEngine(
  { services, engine, jobId }: Pick<JobAttemptRun, "services" | "engine" | "jobId">,
  signal: JobSignal,
): Promise<void> {
  try {
    await engine.signal(jobId, signal);
  } catch (error) {
    services.emit(jobSignalFailed(jobId, error));
  }
}

const BACKEND_CODES = new Set([
  "no-route",
  "no-backend",
  "backends-throttled",
  "backend-failed",
  "backend-timeout",
]);

/** Whether an error says something of the backends, and not of the gateway's own means. */
export const isBackendError = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && BACKEND_CODES.has(error.code);

const canRepeat = ({ attempt, maxAttempts }: JobAttemptRun): boolean => attempt < maxAttempts;

function nextDelayMs({ services, attempt }: JobAttemptRun, askedMs: number | undefined): number {
  return retryDelayMs(attempt, askedMs, services.random);
}
