import type { HostLog } from "../invocation/host-log.ts";
import type { HttpCall } from "./http-call.ts";

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

/** Says that a function ended without a response, which a streaming app must never do. */
export function reportSilence(log: HostLog, { target }: HttpCall): void {
  const { name } = target.fn.metadata;
  log.failure(name, "returned no HTTP response: answered 500, but in Azure the client would hang");
}
