/** An answer in OpenAI's error shape, decided before anything was sent. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly innerError: object | undefined;

  constructor(status: number, message: string, details: ApiErrorDetails = {}) {
    super(message);
    this.status = status;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.headers = details.headers ?? {};
    this.innerError = details.innerError;
  }

  /** The body that the SDKs read `message`, `type`, `param` and `code` from. */
  get body(): string {
    return JSON.stringify({
      error: {
        message: this.message,
        type: typeOf(this.status),
        param: this.param,
        code: this.code,
        ...(this.innerError && { innererror: this.innerError }),
      },
    });
  }
}

export interface ApiErrorDetails {
  code?: string;
  param?: string;
  headers?: Record<string, string>;
  innerError?: object;
}

function typeOf(status: number): string {
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/** 400 for a request that cannot be understood; `param` names what is wrong with it. */
export function badRequest(message: string, param?: string): ApiError {
  return new ApiError(400, message, param === undefined ? {} : { param });
}

/** 400 for what a real model may do and the simulated one does not: it never pretends. */
export function notEmulated(feature: string, param: string): ApiError {
  return new ApiError(400, `The simulated model does not emulate ${feature}.`, {
    code: "not_emulated",
    param,
  });
}

/** 429 with the guidance that clients know; none of it when `retryAfterMs` is not given. */
export function throttled(
  message: string,
  retryAfterMs?: number,
  headers: Record<string, string> = {},
): ApiError {
  return new ApiError(429, message, {
    code: "rate_limit_exceeded",
    headers: { ...retryHeaders(retryAfterMs), ...headers },
  });
}

function retryHeaders(retryAfterMs: number | undefined): Record<string, string> {
  if (retryAfterMs === undefined) return {};
  return {
    "retry-after": String(Math.ceil(retryAfterMs / 1_000)),
    "retry-after-ms": String(Math.ceil(retryAfterMs)),
  };
}
