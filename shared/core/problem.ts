import { ERRORS, type GatewayError } from "./errors.ts";
import type { HeaderList } from "./headers.ts";
import type { GatewayResponse } from "./http.ts";

/**
 * The one place where an error becomes an HTTP answer: `application/problem+json` (RFC 9457) with
 * the stable `code`, and `Retry-After` in whole seconds where waiting helps.
 */
export function problemResponse(error: GatewayError, requestId: string): GatewayResponse {
  const { status, title, expose } = ERRORS[error.code];
  const problem = {
    type: `urn:simplel7proxy:error:${error.code}`,
    title,
    status,
    code: error.code,
    ...(expose ? { detail: error.message } : {}),
    requestId,
  };
  const body = Buffer.from(`${JSON.stringify(problem)}\n`);
  return {
    status,
    headers: [
      ["content-type", "application/problem+json"],
      ["content-length", String(body.byteLength)],
      ...retryAfter(error.retryAfterMs),
      ...error.headers,
    ],
    body,
  };
}

function retryAfter(retryAfterMs: number | undefined): HeaderList {
  if (retryAfterMs === undefined) return [];
  return [["retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000)))]];
}
