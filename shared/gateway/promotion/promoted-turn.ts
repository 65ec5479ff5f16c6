import type { CalledBackend } from "../../core/http.ts";
import { FIRST_TURN } from "../../jobs/index.ts";
import type { RequestEnvelope } from "../../messaging/index.ts";
import { JobMovedError } from "../end-reasons.ts";
import type { JobAttemptRun } from "../jobs/job-attempt.ts";
import { startAttempt } from "../jobs/job-transitions.ts";
import { type JobWatch, watchJob } from "../jobs/watch-job.ts";
import type { LaneRun } from "../lanes/lane-run.ts";

// However far the clocks of two instances are apart, it is less than this.
const CLOCK_SKEW_MS = 30_000;

/** Whether a request may have become a job by now; asking the store is worth it only then. */
export function mayBeJob({ services, envelope }: LaneRun): boolean {
  const { promotion } = envelope;
  return promotion !== undefined && services.clock.now() >= promotion.at - CLOCK_SKEW_MS;
}

/** Whether a request has become a job while it waited or ran. */
export async function isJobByNow(run: LaneRun): Promise<boolean> {
  return mayBeJob(run) && (await run.jobs.store.isPromoted(run.envelope.id));
}

/** The run of a request that has become a job: its message is the job's first attempt. */
export function asJobRun(run: LaneRun): LaneRun {
  const { services, envelope } = run;
  const { promotion, replySession: _, ...request } = envelope;
  const job: RequestEnvelope = {
    ...request,
    kind: "job",
    expiresAt: promotion?.expiresAt ?? envelope.expiresAt,
    maxAttempts: services.settings.jobMaxAttempts,
  };
  return { ...run, envelope: job };
}

/**
 * Watches whether a request becomes a job while it runs. From then on the run is the job's first
 * attempt: noted as begun, so that nobody moves it, and ended with the job. Scope: per invocation.
 */
export class PromotedTurn implements Disposable {
  readonly #run: LaneRun;
  readonly #void = new AbortController();
  readonly #watch: JobWatch | undefined;
  #told: Promise<void> | undefined;
  readonly signal: AbortSignal;
  /** Who answered, for a request that becomes a job afterwards. */
  called: CalledBackend | undefined;

  constructor(run: LaneRun, parent: AbortSignal) {
    this.#run = run;
    const ends = AbortSignal.any([parent, this.#void.signal]);
    const beat = async (): Promise<void> => void (await this.isJob());
    this.#watch = run.envelope.promotion && watchJob(this.attempt, ends, beat);
    this.signal = this.#watch?.signal ?? parent;
  }

  /** The run as the job's first attempt. */
  get attempt(): JobAttemptRun {
    const { services, jobs, engine, envelope } = this.#run;
    const { jobMaxAttempts: maxAttempts } = services.settings;
    return { services, jobs, engine, jobId: envelope.id, attempt: 1, maxAttempts };
  }

  /** Resolves when the beginning of the attempt is told. */
  get told(): Promise<void> {
    return this.#told ?? Promise.resolve();
  }

  /** Whether the request is a job by now. Ends the run when the job was moved to another lane before. */
  async isJob(): Promise<boolean> {
    if (this.#told !== undefined) return true;
    return (await isJobByNow(this.#run)) && this.become();
  }

  /** Notes that the job's first attempt runs here. */
  async become(): Promise<boolean> {
    const start = await startAttempt(this.attempt, FIRST_TURN);
    if (start) this.#told = start.told;
    else this.#void.abort(new JobMovedError("The job was moved to another lane."));
    this.signal.throwIfAborted();
    return true;
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }
}
