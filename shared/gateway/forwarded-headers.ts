import type { Settings } from "../config/index.ts";
import { type HeaderList, withoutHeaders, withoutHopByHop } from "../core/headers.ts";

// The client library writes these itself, from what it really sends.
const OWN_REQUEST_HEADERS = new Set(["host", "content-length", "expect"]);

/** What of a client's headers goes on to a backend: nothing that was meant for the gateway. */
export function requestHeaders(headers: HeaderList, settings: Settings): HeaderList {
  const own = new Set(
    [
      settings.priority.header,
      settings.ttlHeader,
      settings.timeoutHeader,
      settings.asyncHeader,
    ].map((name) => name.toLowerCase()),
  );
  return withoutHeaders(
    withoutHopByHop(headers),
    (name) =>
      OWN_REQUEST_HEADERS.has(name) ||
      own.has(name) ||
      name.startsWith("s7p") ||
      name.startsWith("x-ms-client") ||
      name === "x-functions-key",
  );
}

/** What of a backend's headers goes on to the client. */
export function responseHeaders(headers: HeaderList): HeaderList {
  return withoutHopByHop(headers);
}
