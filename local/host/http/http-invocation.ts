import type { IncomingHttpHeaders } from "node:http";
import type { RpcHttpData, RpcTypedData } from "../core/core-types.ts";
import type { InvocationInput } from "../invocation/invoker.ts";
import type { HttpCall } from "./http-call.ts";

/**
 * What a function's HTTP trigger receives; `http` is the buffered request, empty when it streams. To
 * be taken before the host adds headers of its own to the request.
 */
export function httpInvocation(call: HttpCall, http: RpcHttpData = {}): InvocationInput {
  const { target, invocationId, request } = call;
  const trace = traceContext(request.headers);
  return {
    invocationId,
    inputData: [{ name: target.triggerName, data: { http } }, ...target.extraInputs()],
    triggerMetadata: requestMetadata(call),
    ...(trace && { traceContext: trace }),
  };
}

/** Whether the client went away before it had its whole answer. */
export function hasClientLeft({ response }: HttpCall): boolean {
  return response.destroyed && !response.writableFinished;
}

// A streamed call gets its headers and parameters from here only.
function requestMetadata({ request, params }: HttpCall): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = {
    Headers: { json: JSON.stringify(flatten(request.headers)) },
    Query: { json: "{}" },
  };
  for (const name in params) metadata[name] = { string: params[name] ?? "" };
  return metadata;
}

// W3C trace context: https://www.w3.org/TR/trace-context/
function traceContext(
  headers: IncomingHttpHeaders,
): { traceParent: string; traceState?: string } | undefined {
  const traceParent = headers["traceparent"];
  if (typeof traceParent !== "string") return undefined;
  const traceState = headers["tracestate"];
  return typeof traceState === "string" ? { traceParent, traceState } : { traceParent };
}

// `set-cookie` is the one header that node keeps as a list; in a request it means nothing.
function flatten(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (!headers["set-cookie"]) return headers;
  return { ...headers, "set-cookie": undefined };
}
