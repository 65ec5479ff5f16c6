import type { IncomingHttpHeaders } from "node:http";
import type { RpcTypedData } from "../core/core-types.ts";
import type { HttpCall } from "./http-call.ts";

/** Trigger metadata of a streamed call: the library takes headers and parameters from here only. */
export function requestMetadata({ request, params }: HttpCall): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = {
    Headers: { json: JSON.stringify(flatten(request.headers)) },
    Query: { json: "{}" },
  };
  for (const name in params) metadata[name] = { string: params[name] ?? "" };
  return metadata;
}

/** Trace context of a request, as W3C headers carry it. */
export function traceContext(
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
