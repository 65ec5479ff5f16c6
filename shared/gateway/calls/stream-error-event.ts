import {
  type BackendAnswer,
  BackendFailure,
  type BackendFailureKind,
  type StreamProtocol,
} from "../../backends/index.ts";
import { ERRORS, type ErrorCode, GatewayError } from "../../core/errors.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import { isPlainEventStream } from "../../core/plain-event-stream.ts";
import { errorMember } from "../../core/problem.ts";

type BrokenAnswer = Pick<BackendAnswer, "status" | "headers" | "protocol">;

/**
 * The last words of an event stream that breaks: an `error` event in the form of a problem (RFC 9457),
 * with what clients of the stream's protocol look for. Undefined where nothing can be said: in other
 * answers, in compressed ones, and where a length leaves no room.
 */
export function streamErrorEvent(
  { status, headers, protocol }: BrokenAnswer,
  error: unknown,
): Uint8Array | undefined {
  if (status > 299 || !isOpenEventStream(headers)) return undefined;
  const { code, detail } = brokenStream(error);
  const problem = {
    type: `urn:simplel7proxy:error:${code}`,
    title: ERRORS[code].title,
    status: ERRORS[code].status,
    code,
    detail,
    ...inTermsOf(protocol?.(), { code, detail }),
  };
  // The blank line before it ends whatever the backend left half said.
  return Buffer.from(`\n\nevent: error\ndata: ${JSON.stringify(problem)}\n\n`);
}

/**
 * The members by which clients know an error: `error` for all of them; where events are told apart by
 * their `type`, an error's own, which is no URN there.
 */
function inTermsOf(
  protocol: StreamProtocol | undefined,
  { code, detail: message }: { code: ErrorCode; detail: string },
): object {
  const error = errorMember(code, message);
  if (protocol === "responses") return { type: "error", message, param: null, error };
  if (protocol !== "messages") return { error };
  const type = ERRORS[code].status === TIMED_OUT ? "timeout_error" : "api_error";
  return { type: "error", error: { type, code, message } };
}

const TIMED_OUT = 408;

/** Whether an answer is a stream of events to which events can be added. */
export function isOpenEventStream(headers: HeaderList): boolean {
  return headerValue(headers, "content-length") === undefined && isPlainEventStream(headers);
}

const DETAILS: Partial<Record<BackendFailureKind, string>> = {
  "idle-timeout": "The backend fell silent in the middle of its stream.",
  "total-timeout": "The stream took longer than it may.",
  "error-event": "The backend reported an error in the middle of its stream.",
};

/** Why a stream broke, in words for its reader. */
export function brokenStream(error: unknown): { code: ErrorCode; detail: string } {
  if (error instanceof GatewayError && ERRORS[error.code].expose) {
    return { code: error.code, detail: error.message };
  }
  const kind = error instanceof BackendFailure ? error.kind : "truncated";
  const isLate = kind === "idle-timeout" || kind === "total-timeout";
  return {
    code: isLate ? "backend-timeout" : "backend-failed",
    detail: DETAILS[kind] ?? "The backend's stream broke off before its end.",
  };
}
