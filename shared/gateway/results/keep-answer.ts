import { BackendFailure } from "../../backends/index.ts";
import { GatewayError } from "../../core/errors.ts";
import { headerValue } from "../../core/headers.ts";
import type { JobOutcome, JobResult } from "../../jobs/index.ts";
import { withoutRateLimits } from "../../limits/index.ts";
import type { AnswerUsage } from "../../usage/index.ts";
import { brokenStream, isOpenEventStream } from "../calls/stream-error-event.ts";
import { takeAnswer } from "../calls/take-answer.ts";
import type { JobServices, Services } from "../services.ts";
import { KeptUsage, toJobUsage } from "./kept-usage.ts";
import type { OpenAnswer } from "./open-answer.ts";
import { writeStreamLog } from "./stream-log.ts";

/** The attempt of a job for which an answer is kept. */
export interface KeepingAttempt {
  readonly services: Services;
  readonly jobs: JobServices;
  readonly jobId: string;
  readonly attempt: number;
}

/** What an answer that was kept says in its job's outcome. */
export type KeptAnswer = Required<Pick<JobOutcome, "result" | "usage">> &
  Pick<JobOutcome, "backend">;

interface Kept {
  readonly kept: KeptAnswer;
  /** All that it said of its use. */
  readonly used: AnswerUsage;
}

/**
 * Keeps an answer's exact bytes under a name of their own for each delivery, so that only the one that
 * commits is ever read. An event stream can be followed while it comes.
 */
export async function keepAnswer(
  run: KeepingAttempt,
  answer: OpenAnswer,
  signal: AbortSignal,
): Promise<Kept> {
  const reader = new KeptUsage(answer);
  const { backend } = answer;
  const body = reader.of(answer.body);
  const result = await keepBytes(run, { ...answer, body }, signal).catch(async (error: unknown) => {
    await reader.end();
    throw error;
  });
  const used = await reader.end();
  const usage = toJobUsage(used);
  return { used, kept: { result, usage, ...(backend === undefined ? {} : { backend }) } };
}

async function keepBytes(
  run: KeepingAttempt,
  answer: OpenAnswer,
  signal: AbortSignal,
): Promise<JobResult> {
  const { services, jobs, jobId } = run;
  const { status } = answer;
  const headers = withoutRateLimits(answer.headers);
  const blob = `${jobId}/${services.newId()}`;
  if (status < 300 && isOpenEventStream(headers)) {
    return { status, headers, blob, ...(await keepStream(run, { answer, blob }, signal)) };
  }
  const contentType = headerValue(headers, "content-type");
  try {
    const sizeBytes = await takeAnswer(answer, signal, (body) =>
      jobs.results.writeStream(blob, body, contentType),
    );
    return { status, headers, blob, sizeBytes };
  } catch (error) {
    // Asked for as a stream, answered otherwise: it is taken as it comes, and breaks here.
    throw asBackendError(error);
  }
}

async function keepStream(
  { services, jobs, jobId, attempt }: KeepingAttempt,
  { answer, blob }: { answer: OpenAnswer; blob: string },
  signal: AbortSignal,
): Promise<Pick<JobResult, "sizeBytes" | "stream">> {
  const contentType = headerValue(answer.headers, "content-type") ?? "text/event-stream";
  try {
    return await takeAnswer(answer, signal, async (body) => {
      const log = await jobs.results.createLog(blob, contentType);
      // Only now: whoever finds the stream finds its blob.
      const stream = await jobs.streams.begin(jobId, { blob, attempt });
      return { stream, sizeBytes: await writeStreamLog(log, body, services.clock) };
    });
  } catch (error) {
    await jobs.results.remove(blob).catch(() => {});
    throw asBackendError(error);
  }
}

/** What breaks while it is kept was asked for of no other backend: the attempt fails, and is repeated. */
function asBackendError(cause: unknown): unknown {
  if (!(cause instanceof BackendFailure)) return cause;
  const { code, detail } = brokenStream(cause);
  return new GatewayError(code, detail, { cause });
}
