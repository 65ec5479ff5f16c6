import type { HeaderList } from "./headers.ts";

/** What a client and an operator may rely on about an error. */
export interface ErrorKind {
  /** HTTP status of the answer. */
  readonly status: number;
  /** A short summary that never changes with the occurrence. */
  readonly title: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Whether `detail` may be shown to the client; otherwise it stays in the log. */
  readonly expose: boolean;
}

const kind = (status: number, title: string, traits: Partial<ErrorKind> = {}): ErrorKind => ({
  status,
  title,
  retryable: false,
  expose: true,
  ...traits,
});

/** Every error that the gateway itself answers with. docs/errors.md has a row for each code. */
export const ERRORS = {
  "bad-request": kind(400, "The request is malformed."),
  "invalid-ttl": kind(400, "The time-to-live header cannot be read."),
  "invalid-submission": kind(400, "The submitted message cannot be read."),
  "invalid-idempotency-key": kind(400, "The idempotency key cannot be used."),
  "invalid-timeout": kind(400, "The timeout header cannot be read."),
  unauthenticated: kind(401, "The caller must prove who they are."),
  "token-refused": kind(401, "The access token is not accepted."),
  "caller-not-allowed": kind(403, "The caller may not use the gateway."),
  "operator-role-missing": kind(403, "The caller may not run the gateway."),
  "operator-key-missing": kind(401, "An operator's key is required."),
  "operator-key-refused": kind(403, "The operator's key is not accepted."),
  "webhook-not-allowed": kind(403, "The webhook is not allowed."),
  "app-id-not-allowed": kind(403, "The calling application is not allowed."),
  "profile-not-found": kind(403, "There is no such user profile."),
  "profile-required": kind(403, "A user profile is required."),
  "jobs-not-allowed": kind(403, "The user may not have jobs."),
  "priority-not-allowed": kind(403, "The caller may not have this priority."),
  "user-suspended": kind(403, "The user is suspended."),
  "job-not-found": kind(404, "There is no such job."),
  "event-not-found": kind(404, "There is no such event."),
  "job-without-webhooks": kind(409, "The job sends no webhooks."),
  "job-without-result": kind(404, "The job has no result."),
  "dead-letter-not-found": kind(404, "There is no such dead letter."),
  "dead-letter-locked": kind(409, "The dead letter cannot be reached now.", { retryable: true }),
  "redrive-refused": kind(409, "The dead letter cannot be sent again."),
  "receipt-not-found": kind(404, "There is no such recent request."),
  "no-route": kind(404, "No backend serves this path."),
  "method-not-allowed": kind(405, "The resource does not support this method."),
  "backend-timeout": kind(408, "No backend answered in time.", { retryable: true }),
  "ttl-expired": kind(412, "The request's time to live is over."),
  "job-id-taken": kind(409, "The job's id belongs to another job."),
  "job-not-waiting": kind(409, "The job does not wait any more."),
  "job-not-finished": kind(409, "The job has not finished yet.", { retryable: true }),
  "request-too-large": kind(413, "The request body is too large."),
  "limit-too-small": kind(413, "The request alone is more than a limit of the caller."),
  "header-missing": kind(417, "A required header is missing."),
  "header-not-allowed": kind(417, "The value of a header is not allowed."),
  "idempotency-key-reused": kind(422, "The idempotency key belongs to another request."),
  "limit-exceeded": kind(429, "A limit of the caller is used up.", { retryable: true }),
  "wait-too-long": kind(429, "The request would wait longer than it may.", { retryable: true }),
  "queue-full": kind(429, "Too many requests are waiting.", { retryable: true }),
  "backends-throttled": kind(429, "The backends ask to be called later.", { retryable: true }),
  "client-closed": kind(499, "The client closed the connection."),
  internal: kind(500, "The gateway failed.", { expose: false }),
  "async-unavailable": kind(501, "This app serves no asynchronous requests."),
  "websocket-unsupported": kind(501, "The gateway speaks no WebSocket."),
  "usage-unavailable": kind(501, "This app keeps no ledger of what was used."),
  "backend-failed": kind(502, "No backend could answer the request.", { retryable: true }),
  "no-backend": kind(503, "No backend is available.", { retryable: true }),
  "policy-unavailable": kind(503, "The gateway does not know yet whom to admit.", {
    retryable: true,
  }),
  "identity-unavailable": kind(503, "Callers cannot be identified now.", { retryable: true }),
  "shutting-down": kind(503, "The gateway is shutting down.", { retryable: true }),
  "messaging-unavailable": kind(503, "The waiting room cannot be reached.", {
    retryable: true,
    expose: false,
  }),
  "storage-unavailable": kind(503, "The gateway's storage cannot be reached.", {
    retryable: true,
    expose: false,
  }),
  "delivery-failed": kind(500, "The request could not be processed.", { expose: false }),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface GatewayErrorOptions {
  cause?: unknown;
  /** How long the client should wait before it tries again, in milliseconds. */
  retryAfterMs?: number;
  /** Headers that the answer carries besides. */
  headers?: HeaderList;
}

/** The only error that carries an answer; anything else that is thrown becomes `internal`. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly headers: HeaderList;

  /** `detail` says what happened this time: never a backend's name, a URL, a token or a stack. */
  constructor(code: ErrorCode, detail: string, options: GatewayErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.headers = options.headers ?? [];
  }

  /** The same error; its answer carries these headers besides. */
  withHeaders(headers: HeaderList): GatewayError {
    const { code, message, retryAfterMs, cause } = this;
    const same = new GatewayError(code, message, {
      ...(cause === undefined ? {} : { cause }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      headers: [...this.headers, ...headers],
    });
    if (this.stack !== undefined) same.stack = this.stack;
    return same;
  }
}

/** What was thrown, as a `GatewayError`. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", "An unexpected error occurred.", { cause: thrown });
}
