import { type Action, ActionType } from "./actions.ts";

/** The default of `httpSettings.defaultAsyncRequestSleepTimeMilliseconds` in host.json. */
export const DEFAULT_HTTP_POLL_MS = 30_000;

// Keeps the timer within what a Date can hold, whatever a server says.
const MAX_POLL_MS = 365 * 24 * 3_600_000;

interface HttpResult {
  statusCode?: number;
  headers?: Record<string, string>;
}

/** When and where to ask again, if the answer to a `callHttp` was 202 with a Location. */
export function httpPoll(
  action: Action,
  resultText: string,
): { url: string; delayMs: number } | undefined {
  const request = action.httpRequest;
  if (action.actionType !== ActionType.CallHttp || !request?.asynchronousPatternEnabled) return;
  const result = JSON.parse(resultText) as HttpResult | null;
  const location = header(result, "location");
  if (result?.statusCode !== 202 || !location) return undefined;
  const retryAfterSeconds = Number(header(result, "retry-after") || Number.NaN);
  const delayMs = Number.isNaN(retryAfterSeconds) ? DEFAULT_HTTP_POLL_MS : retryAfterSeconds * 1000;
  return { url: new URL(location, request.uri).href, delayMs: Math.min(delayMs, MAX_POLL_MS) };
}

function header(result: HttpResult | null, name: string): string | undefined {
  const entries = Object.entries(result?.headers ?? {});
  return entries.find(([key]) => key.toLowerCase() === name)?.[1];
}
