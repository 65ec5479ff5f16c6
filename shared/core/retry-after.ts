import { type HeaderList, headerValue } from "./headers.ts";

/**
 * How long an answer asks to wait, in milliseconds: `retry-after-ms`, else `Retry-After` in seconds or
 * as a date (RFC 9110, section 10.2.3); a century at most. Undefined where it says nothing that can be read.
 */
export function retryAfterMs(headers: HeaderList, nowMs: number): number | undefined {
  const exact = headerValue(headers, "retry-after-ms")?.trim();
  if (exact !== undefined && NUMBER.test(exact)) return bounded(Number(exact));
  const text = headerValue(headers, "retry-after")?.trim();
  if (!text) return undefined;
  if (NUMBER.test(text)) return bounded(Number(text) * 1000);
  return HTTP_DATE.test(text) ? bounded(dateOf(text) - nowMs) : undefined;
}

// Model providers also send fractions of a second.
const NUMBER = /^\d+(\.\d+)?$/;
// The three forms of RFC 9110, section 5.6.7, begin with a day's name. Without this V8 reads "1-2" as a
// day in 2001, and a wait that cannot be read would become no wait at all.
const HTTP_DATE = /^[A-Z][a-z]{2,8},? /;
const ZONE = /(GMT|UTC|[+-]\d{4})$/;

/** One of the three forms names no zone, which V8 takes for the machine's own; in HTTP it is always GMT. */
const dateOf = (text: string): number => Date.parse(ZONE.test(text) ? text : `${text} GMT`);

// When a longer one is over could not be written as a date that others read.
const MAX_WAIT_MS = 100 * 365 * 86_400_000;

const bounded = (waitMs: number): number | undefined =>
  Number.isFinite(waitMs) ? Math.min(Math.max(0, waitMs), MAX_WAIT_MS) : undefined;
