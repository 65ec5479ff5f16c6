import { type HeaderList, headerValue } from "./headers.ts";

/**
 * How long an answer asks to wait, in milliseconds: `retry-after-ms`, else `Retry-After` in seconds or
 * as a date (RFC 9110, section 10.2.3). Undefined where it says nothing that can be read.
 */
export function retryAfterMs(headers: HeaderList, nowMs: number): number | undefined {
  const exact = headerValue(headers, "retry-after-ms")?.trim();
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return Number(exact);
  const text = headerValue(headers, "retry-after")?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const waitMs = Date.parse(text) - nowMs;
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
