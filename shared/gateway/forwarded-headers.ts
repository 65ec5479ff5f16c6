import type { Settings } from "../config/index.ts";
import { type HeaderList, withoutHopByHop } from "../core/headers.ts";
import { OPERATOR_KEY_HEADER } from "../identity/index.ts";

// The client library writes these itself, from what it really sends.
const OWN_REQUEST_HEADERS = ["host", "content-length", "expect"];

/** Makes the filter for client headers, once for all requests. */
export function createRequestHeaderFilter(settings: Settings): (headers: HeaderList) => HeaderList {
  const { priority, ttlHeader, timeoutHeader, asyncHeader } = settings;
  const { stripRequestHeaders } = settings.transport;
  const { webhookHeader } = settings.notifications;
  const control = [
    priority.header,
    ttlHeader,
    timeoutHeader,
    asyncHeader,
    webhookHeader,
    ...stripRequestHeaders,
  ];
  const dropped = new Set([
    ...OWN_REQUEST_HEADERS,
    "x-functions-key",
    OPERATOR_KEY_HEADER,
    ...control.map((name) => name.toLowerCase()),
  ]);
  const isDropped = (name: string): boolean =>
    dropped.has(name) ||
    name.startsWith("s7p") ||
    name.startsWith("x-ms-client") ||
    name.startsWith("x-ms-token-");
  // What goes on to a backend holds nothing that was meant for the gateway.
  return (headers) => withoutHopByHop(headers, isDropped);
}

// It tells what software a backend runs, which is nobody's business; its `Date` says how old the answer is.
const SERVER_HEADER = "server";
/** By which backends and clients name a request to operators; a backend's own names another one. */
export const REQUEST_ID_HEADER = "x-S7P-ID";
/** What the gateway itself says of every answer; a backend that is such a gateway says it of its own part. */
export const TIMING_HEADERS = {
  queued: "x-request-queue-duration",
  processed: "x-request-process-duration",
  attempts: "x-attempts",
} as const;
const NOT_BACKENDS: ReadonlySet<string> = new Set([
  SERVER_HEADER,
  REQUEST_ID_HEADER.toLowerCase(),
  ...Object.values(TIMING_HEADERS),
  "x-queue-position",
  "x-estimated-wait-ms",
]);

/** What of a backend's headers goes on to the client. */
export function responseHeaders(
  headers: HeaderList,
  stripResponseHeaders: readonly string[],
): HeaderList {
  return withoutHopByHop(
    headers,
    (name) => NOT_BACKENDS.has(name) || stripResponseHeaders.includes(name),
  );
}
