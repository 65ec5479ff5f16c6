import { type BackendAnswer, BackendFailure } from "../backends/index.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { type HeaderList, headerValue, withoutHeaders } from "../core/headers.ts";
import type { RequestBody } from "../core/http.ts";
import {
  type BackendTurn,
  type Candidate,
  judgeAnswer,
  rewriteModelInBody,
  rewriteModelInTarget,
  type Verdict,
} from "../routing/index.ts";
import { attemptFailed } from "../telemetry/index.ts";
import { holdingPlace } from "./held-place.ts";
import type { Services } from "./services.ts";

/** What one attempt needs of its request. */
export interface AttemptRequest {
  readonly id: string;
  readonly method: string;
  readonly headers: HeaderList;
  readonly body: RequestBody | undefined;
  readonly attemptTimeoutMs: number;
  readonly whole?: boolean | undefined;
  readonly wholeJsonBytes?: number | undefined;
}

/** One backend's turn: an answer and what it means, or what went wrong. */
export type Attempt =
  | { readonly status: number; readonly answer: BackendAnswer; readonly verdict: Verdict }
  | { readonly status: number; readonly failure: "timed-out" | "broken" };

export const TIMED_OUT = 408;
export const BROKEN = 502;
// Beyond it nothing can be handed on: the Functions library, like fetch, refuses such a response.
const MAX_STATUS = 599;

/**
 * Calls one backend and tells its turn how that went. Throws only when `signal` ended the call. The
 * turn is released when the attempt failed, else by the answer, with its last byte or its discard.
 */
export async function attemptBackend(
  services: Services,
  request: AttemptRequest,
  { candidate, turn, signal }: { candidate: Candidate; turn: BackendTurn; signal: AbortSignal },
): Promise<Attempt> {
  const { backends, clock, emit, settings } = services;
  const { host } = candidate;
  const startedAt = clock.now();
  const ownLimitMs = host.firstByteTimeoutMs ?? settings.attemptTimeoutMs;
  const limitMs = Math.min(request.attemptTimeoutMs, host.firstByteTimeoutMs ?? Infinity);
  let begunAt: number | undefined;
  try {
    const answer = await backends.call({
      ...toCall(request, candidate),
      signal,
      // For the first byte only: an answer that is taken whole may be far longer on its way.
      limits: { firstByteMs: limitMs },
      onBegun() {
        begunAt = clock.now();
      },
    });
    return judged(answer, { turn, firstByteMs: (begunAt ?? clock.now()) - startedAt, clock });
  } catch (error) {
    const waitedMs = clock.now() - startedAt;
    turn.release();
    if (signal.aborted) {
      // The time to live is a limit like any other; a client that left is nobody's failure.
      const isExpired =
        signal.reason instanceof GatewayError && signal.reason.code === "ttl-expired";
      const failure = isExpired ? "timed-out" : "cancelled";
      turn.settle({ failure, waitedMs, limitMs: ownLimitMs }, clock.now());
      throw signal.reason;
    }
    const isTimeout = isSilence(error);
    const failure = isTimeout ? "timed-out" : "broken";
    // Who begins and then falls silent has no slow model for an excuse.
    const blame = begunAt === undefined ? failure : "broken";
    turn.settle({ failure: blame, waitedMs, limitMs: ownLimitMs }, clock.now());
    const status = isTimeout ? TIMED_OUT : BROKEN;
    emit(attemptFailed(request.id, { backend: host.id, status, error }));
    return { status, failure };
  }
}

const isSilence = (error: unknown): boolean =>
  error instanceof BackendFailure && error.kind.endsWith("-timeout");

function judged(
  answer: BackendAnswer,
  { turn, firstByteMs, clock }: { turn: BackendTurn; firstByteMs: number; clock: Clock },
): Attempt {
  const nowMs = clock.now();
  if (answer.status > MAX_STATUS) {
    answer.discard();
    throw new Error(`The backend answered with the status ${answer.status}.`);
  }
  const verdict = judgeAnswer(answer.status, answer.headers, nowMs);
  turn.settle({ verdict, firstByteMs }, nowMs);
  return { status: answer.status, verdict, answer: holdingPlace(answer, turn, clock) };
}

/** The request as this backend is to see it. */
function toCall(
  { method, headers, body, whole = false, wholeJsonBytes = 0 }: AttemptRequest,
  { host, target }: Candidate,
) {
  const call = { host, method, headers, body, target, whole, wholeJsonBytes };
  if (host.model === undefined) return call;
  // What is compressed cannot be read without undoing what the client did.
  const isPlain = headerValue(headers, "content-encoding") === undefined;
  const renamed = body && isPlain ? rewriteModelInBody(body, host.model) : body;
  const kept =
    renamed === body
      ? headers
      : withoutHeaders(headers, (name) => name === "content-md5" || name === "content-digest");
  return {
    ...call,
    headers: kept,
    body: renamed,
    target: rewriteModelInTarget(target, host.model),
  };
}
