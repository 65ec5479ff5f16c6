/**
 * How a backend failed: no connection, a connection that broke before the answer, silence before or
 * within it, an answer that ended too soon, a stream's own error event, or something that is not HTTP.
 */
export type BackendFailureKind =
  | "connect"
  | "reset"
  | "first-byte-timeout"
  | "idle-timeout"
  | "total-timeout"
  | "truncated"
  | "error-event"
  | "protocol";

/**
 * By what a request is known not to have been seen: its kept connection closed as it went out, or the backend
 * said so itself.
 */
export type UnseenBy = "closed" | "refused";

export interface BackendFailureOptions {
  /** Whether the backend may have begun to work: false only when nothing was sent to it. */
  readonly mayHaveBegun: boolean;
  /** Set where by all that is known the backend has not seen the request, although it was sent. */
  readonly unseenBy?: UnseenBy | undefined;
  readonly cause?: unknown;
}

/** Thrown where a backend, not the request or its sender, is to blame. Its message is for logs only. */
export class BackendFailure extends Error {
  override readonly name = "BackendFailure";
  readonly kind: BackendFailureKind;
  readonly mayHaveBegun: boolean;
  readonly unseenBy: UnseenBy | undefined;

  constructor(kind: BackendFailureKind, message: string, options: BackendFailureOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.mayHaveBegun = options.mayHaveBegun;
    this.unseenBy = options.unseenBy;
  }
}

/** How far a call had come when it failed. */
export type CallProgress = "connecting" | "sent" | "answering";

/** A failure of undici or of the socket, by what it means and by how far the call had come. */
export function toBackendFailure(
  error: unknown,
  progress: CallProgress,
  unseenBy?: UnseenBy,
): BackendFailure {
  if (error instanceof BackendFailure) return error;
  const mayHaveBegun = progress !== "connecting";
  return new BackendFailure(kindOf(error, progress), describe(error), {
    mayHaveBegun,
    unseenBy,
    cause: error,
  });
}

// Every other error of a connection in use means that it is gone.
const NOT_HTTP = /^UND_ERR_(HEADERS_OVERFLOW|INVALID_ARG|NOT_SUPPORTED)$/;
const LENGTH_MISMATCH = "UND_ERR_RES_CONTENT_LENGTH_MISMATCH";

function kindOf(error: unknown, progress: CallProgress): BackendFailureKind {
  const code = codeOf(error);
  // The parser's errors do not all have a code; they all have the name.
  const isParsers = error instanceof Error && error.name === "HTTPParserError";
  if (isParsers || NOT_HTTP.test(code)) return "protocol";
  if (progress === "connecting") return "connect";
  if (progress === "answering") return "truncated";
  // Two lengths that differ show before there is a body.
  return code === LENGTH_MISMATCH ? "protocol" : "reset";
}

/** The code of a failure of undici or of the socket; empty where it has none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses that all failed come as one error without a text of its own.
  return error.message || codeOf(error) || error.name;
}
