import type { HttpCallRequest } from "./planner/actions.ts";

/** The default of the platform's HTTP client for durable HTTP calls. */
const HTTP_CALL_TIMEOUT_MS = 100_000;

/**
 * Makes the request of a `callHttp` and returns the JSON text of its response. Statuses are results;
 * only a request that got no answer rejects.
 */
export async function callHttp(
  { method, uri, content, headers }: HttpCallRequest,
  signal: AbortSignal,
): Promise<string> {
  const response = await fetch(uri, {
    method,
    body: content ?? null,
    headers: headers ?? {},
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(HTTP_CALL_TIMEOUT_MS)]),
  });
  return JSON.stringify({
    statusCode: response.status,
    content: await response.text(),
    headers: pollableHeaders(response.headers, uri),
  });
}

// The SDK polls whenever a 202 has a Location, and the planner must come to the same conclusion; so
// a Location that is no URL, or a Retry-After that is no number, reaches neither of them.
function pollableHeaders(received: Headers, uri: string): Record<string, string> {
  const headers = Object.fromEntries(received);
  const location = headers["location"];
  if (location !== undefined && !URL.canParse(location, uri)) delete headers["location"];
  const retryAfter = headers["retry-after"];
  if (retryAfter !== undefined && !/^\d+(\.\d+)?$/.test(retryAfter)) delete headers["retry-after"];
  return headers;
}
