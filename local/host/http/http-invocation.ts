import type { IncomingHttpHeaders } from "node:http";
import type { RpcHttpData, RpcTypedData } from "../core/core-types.ts";
import type { InvocationInput } from "../invocation/invoker.ts";
import type { HttpCall } from "./http-call.ts";

export interface HttpInvocationOptions {
  /** The buffered request; absent when it streams. */
  readonly http?: RpcHttpData;
  /** How the headers travel: as text, or as they are where they stay in one process. */
  readonly dataOf?: (headers: IncomingHttpHeaders) => RpcTypedData;
}

const asJson = (headers: IncomingHttpHeaders): RpcTypedData => ({ json: JSON.stringify(headers) });

/**
 * What a function's HTTP trigger receives. To be taken before the host adds headers of its own to the
 * request.
 */
export function httpInvocation(
  call: HttpCall,
  { http = {}, dataOf = asJson }: HttpInvocationOptions = {},
): InvocationInput {
  const { target, invocationId, request } = call;
  const trace = traceContext(request.headers);
  return {
    invocationId,
    inputData: [{ name: target.triggerName, data: { http } }, ...target.extraInputs()],
    triggerMetadata: requestMetadata(call, dataOf(flatten(call.request.headers))),
    ...(trace && { traceContext: trace }),
  };
}

/** Whether the client went away before it had its whole answer. */
export function hasClientLeft({ response }: HttpCall): boolean {
  return response.destroyed && !response.writableFinished;
}

const NO_QUERY: RpcTypedData = { json: "{}" };

// A streamed call gets its headers and parameters from here only.
function requestMetadata(
  { params }: HttpCall,
  headers: RpcTypedData,
): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = { Headers: headers, Query: NO_QUERY };
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
function flatten({ "set-cookie": _, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers;
}
