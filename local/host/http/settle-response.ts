import type { HostLog } from "../invocation/host-log.ts";
import type { HttpCall } from "./http-call.ts";
import type { PublicRequest, PublicResponse } from "./public-messages.ts";

// Kestrel gives a client this long to finish sending a body that nobody reads.
const DRAIN_LIMIT_MS = 5000;

/** Ends a response that its function did not: with the status, or, once bytes are out, by a reset. */
export function settleResponse({ response }: Pick<HttpCall, "response">, status: number): void {
  if (response.writableEnded || response.destroyed) return;
  if (response.headersSent) {
    // A truncated body must never look finished.
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.statusCode = status;
  response.setHeader("content-length", "0");
  response.end();
}

/** Whether a request comes with a body. */
export function hasBody({ headers }: PublicRequest): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/** Says that a function ended without a response, which a streaming app must never do. */
export function reportSilence(log: HostLog, { target }: HttpCall): void {
  const { name } = target.fn.metadata;
  log.failure(name, "returned no HTTP response: answered 500, but in Azure the client would hang");
}

/**
 * Reads away what is left of a body after the response, or the connection could serve no further
 * request: node does so itself only for a body that nobody began to read.
 */
export function drainAfterResponse(request: PublicRequest, response: PublicResponse): void {
  if (!hasBody(request)) return;
  response.once("finish", () => {
    if (request.complete || request.destroyed) return;
    // A reader that has stopped would pause it again, with the connection's next requests behind it.
    request.removeAllListeners("readable");
    request.removeAllListeners("data");
    request.resume();
    const timer = setTimeout(() => {
      if (!request.complete) request.destroy();
    }, DRAIN_LIMIT_MS).unref();
    request.once("close", () => clearTimeout(timer));
    request.once("end", () => clearTimeout(timer));
  });
}
