import type { Settings } from "../config/index.ts";
import { type HeaderList, withoutHeaders, withoutHopByHop } from "../core/headers.ts";

/** Headers that an operator wants dropped on the way, by name. */
export interface StripLists {
  readonly stripRequestHeaders?: readonly string[];
  readonly stripResponseHeaders?: readonly string[];
}

// The client library writes these itself, from what it really sends.
const OWN_REQUEST_HEADERS = ["host", "content-length", "expect"];

/** Makes the filter for client headers, once for all requests. */
export function createRequestHeaderFilter(
  settings: Settings & StripLists,
): (headers: HeaderList) => HeaderList {
  const { priority, ttlHeader, timeoutHeader, asyncHeader, stripRequestHeaders = [] } = settings;
  const control = [priority.header, ttlHeader, timeoutHeader, asyncHeader, ...stripRequestHeaders];
  const dropped = new Set([
    ...OWN_REQUEST_HEADERS,
    "x-functions-key",
    ...control.map((name) => name.toLowerCase()),
  ]);
  const isDropped = (name: string): boolean =>
    dropped.has(name) || name.startsWith("s7p") || name.startsWith("x-ms-client");
  // What goes on to a backend holds nothing that was meant for the gateway.
  return (headers) => withoutHeaders(withoutHopByHop(headers), isDropped);
}

// It tells what software a backend runs, which is nobody's business; its `Date` says how old the answer is.
const SERVER_HEADER = "server";

/** What of a backend's headers goes on to the client. */
export function responseHeaders(
  headers: HeaderList,
  { stripResponseHeaders = [] }: StripLists = {},
): HeaderList {
  const stripped = stripResponseHeaders.map((name) => name.toLowerCase());
  return withoutHeaders(
    withoutHopByHop(headers),
    (name) => name === SERVER_HEADER || stripped.includes(name),
  );
}
