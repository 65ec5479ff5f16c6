import { ERRORS, type ErrorCode, type GatewayError } from "./errors.ts";
import type { HeaderList } from "./headers.ts";
import type { GatewayResponse } from "./http.ts";

/**
 * The one place where an error becomes an HTTP answer: `application/problem+json` (RFC 9457) with
 * the stable `code`, and `Retry-After` in whole seconds where waiting helps. Clients of model APIs read
 * the member `error`, and the request's id in a header.
 */
export function problemResponse(error: GatewayError, requestId: string): GatewayResponse {
  const { code } = error;
  const { status, title, expose } = ERRORS[code];
  const detail = expose ? error.message : undefined;
  const problem = {
    type: `urn:simplel7proxy:error:${code}`,
    title,
    status,
    code,
    detail,
    requestId,
    error: errorMember(code, detail ?? title),
  };
  const body = Buffer.from(`${JSON.stringify(problem)}\n`);
  return {
    status,
    headers: [
      ["content-type", "application/problem+json"],
      ["content-length", String(body.byteLength)],
      ["x-request-id", requestId],
      ...retryAfter(error.retryAfterMs),
      ...error.headers,
    ],
    body,
  };
}

/** An error as the clients of OpenAI's and Azure's APIs know it. */
export const errorMember = (code: ErrorCode, message: string) => ({
  type: "gateway_error",
  code,
  message,
  param: null,
});

function retryAfter(retryAfterMs: number | undefined): HeaderList {
  if (retryAfterMs === undefined) return [];
  return [["retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000)))]];
}
