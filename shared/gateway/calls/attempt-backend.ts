import { type BackendAnswer, BackendFailure, type UnseenBy } from "../../backends/index.ts";
import { elapsedMs } from "../../core/clock.ts";
import type { HeaderList } from "../../core/headers.ts";
import {
  type BackendTurn,
  type Candidate,
  isContextRefusal,
  judgeAnswer,
  utilizationIn,
  type Verdict,
} from "../../routing/index.ts";
import { attemptFailed, attemptResent, genAiRequest } from "../../telemetry/index.ts";
import { isCallersEnd, isTtlExpired, JobEndedError } from "../end-reasons.ts";
import type { Services } from "../services.ts";
import { noteCutOff, type UsingRequest, watchAnswer } from "./call-usage.ts";
import { callWithWish, type WishedAnswer, withoutWish } from "./call-with-wish.ts";
import { holdingPlace } from "./held-place.ts";

/** What one attempt needs of its request. */
export interface AttemptRequest extends UsingRequest {
  readonly method: string;
  readonly headers: HeaderList;
  readonly attemptTimeoutMs: number;
  readonly whole?: boolean | undefined;
  readonly wholeBytes?: number | undefined;
}

/** One backend's turn: an answer and what it means, or what went wrong. */
export type Attempt =
  | { readonly status: number; readonly answer: BackendAnswer; readonly verdict: Verdict }
  | { readonly status: number; readonly failure: "timed-out" | "broken" };

export const TIMED_OUT = 408;
const BROKEN = 502;
// Beyond it nothing can be handed on: the Functions library, like fetch, refuses such a response.
const MAX_STATUS = 599;

/**
 * Calls one backend and tells its turn how that went. Throws only when `signal` ended the call. The
 * turn is released when the answer is not the client's, else by the answer, with its last byte or its
 * discard.
 */
export async function attemptBackend(
  services: Services,
  request: AttemptRequest,
  { candidate, turn, signal }: { candidate: Candidate; turn: BackendTurn; signal: AbortSignal },
): Promise<Attempt> {
  const { clock, emit } = services;
  const { id: backend, firstByteTimeoutMs = Number.POSITIVE_INFINITY } = candidate.host;
  const limitMs = Math.min(request.attemptTimeoutMs, firstByteTimeoutMs);
  const startedAt = clock.now();
  let isSent = false;
  let begunAt: number | undefined;
  try {
    const means = {
      signal,
      // For the first byte only: an answer that is taken whole may be far longer on its way.
      limits: { firstByteMs: limitMs },
      asksModel: () =>
        genAiRequest({ method: request.method, target: candidate.target }).operation !== undefined,
      onSent() {
        isSent = true;
      },
      onResent(reason: UnseenBy) {
        emit(attemptResent(request.id, { backend, reason }));
      },
      onBegun() {
        begunAt = clock.now();
      },
    };
    const answer = await callWithWish(services, request, { candidate, means });
    const firstByteMs = Math.max(0, (begunAt ?? clock.now()) - startedAt);
    return judged(services, answer, { request, candidate, turn, firstByteMs });
  } catch (error) {
    turn.release();
    const waitedMs = elapsedMs(clock, startedAt);
    const hasBegun = begunAt !== undefined;
    const call = { request, candidate, turn, limitMs, waitedMs, isSent, hasBegun };
    if (!signal.aborted) return failed(services, call, error);
    givenUp(services, call, signal.reason);
    throw signal.reason;
  }
}

/** A call that came to no answer, and has given its place back. */
interface VainCall {
  readonly request: AttemptRequest;
  readonly candidate: Candidate;
  readonly turn: BackendTurn;
  /** How long it was to wait for its first byte. */
  readonly limitMs: number;
  readonly waitedMs: number;
  readonly isSent: boolean;
  /** Whether its first meaningful bytes were there. */
  readonly hasBegun: boolean;
}

/** How long the gateway itself waits for a backend; a caller may have wished for less. */
const ownLimitMs = ({ settings }: Services, { candidate: { host } }: VainCall): number =>
  host.firstByteTimeoutMs ?? settings.attemptTimeoutMs;

/** Notes a call that was ended from here: a client that left is nobody's failure. */
function givenUp(services: Services, call: VainCall, reason: unknown): void {
  const { request, candidate, turn, waitedMs, isSent } = call;
  // The time to live is a limit like any other.
  const failure = isTtlExpired(reason) ? "timed-out" : "cancelled";
  turn.settle({ failure, waitedMs, limitMs: ownLimitMs(services, call) }, services.clock.now());
  noteCutOff(services, request, { candidate, isSent });
  if (isSent && isGivenUp(reason)) markCutOff(request);
}

/** What a call came to that broke off, or that its backend was too slow for. */
function failed(services: Services, call: VainCall, error: unknown): Attempt {
  const { request, candidate, turn, limitMs, waitedMs, isSent, hasBegun } = call;
  const ownMs = ownLimitMs(services, call);
  const isTimeout = isSilence(error);
  // A shorter wait than the gateway's own was the caller's wish.
  if (isTimeout && isSent && limitMs < ownMs) markCutOff(request);
  const failure = isTimeout ? "timed-out" : "broken";
  // Who begins and then falls silent has no slow model for an excuse.
  const blame = hasBegun ? "broken" : failure;
  turn.settle({ failure: blame, waitedMs, limitMs: ownMs }, services.clock.now());
  const status = isTimeout ? TIMED_OUT : BROKEN;
  services.emit(attemptFailed(request.id, { backend: candidate.host.id, status, error }));
  return { status, failure };
}

/** Whether it was given up for its caller, and not to make room for others or to go on elsewhere. */
const isGivenUp = (reason: unknown): boolean =>
  isCallersEnd(reason) || reason instanceof JobEndedError;

function markCutOff({ usage }: AttemptRequest): void {
  if (usage) usage.isCutOff = true;
}

const isSilence = (error: unknown): boolean =>
  error instanceof BackendFailure && error.kind.endsWith("-timeout");

interface Called {
  readonly request: AttemptRequest;
  readonly candidate: Candidate;
  readonly turn: BackendTurn;
  readonly firstByteMs: number;
}

/** A stream that says nothing but that the request is too long: what others say by their status. */
const isTooLong = ({ refusal }: BackendAnswer): boolean =>
  refusal !== undefined && isContextRefusal(refusal);

function judged(
  services: Services,
  { answer, isEdited }: WishedAnswer,
  { request, candidate, turn, firstByteMs }: Called,
): Attempt {
  const { clock } = services;
  const nowMs = clock.now();
  const { status, headers } = answer;
  if (status > MAX_STATUS) {
    answer.discard();
    throw new Error(`The backend answered with the status ${status}.`);
  }
  const verdict: Verdict = isTooLong(answer)
    ? { kind: "refused" }
    : judgeAnswer(status, headers, {
        nowMs,
        isIdentified: candidate.host.tokenScope !== undefined,
      });
  turn.settle({ verdict, firstByteMs, utilization: utilizationIn(headers) }, nowMs);
  if (verdict.kind !== "answered") {
    // It may be kept while others are asked, for long; its backend is done with the request by now.
    if (verdict.kind !== "refused") turn.release();
    return { status, verdict, answer: holdingPlace(answer, { turn, clock }) };
  }
  const watch = watchAnswer(services, request, { answer, candidate });
  const held = holdingPlace(answer, { turn, clock, watch });
  return { status, verdict, answer: isEdited ? withoutWish(held) : held };
}
