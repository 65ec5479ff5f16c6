// Dates beyond this are no dates (ECMA-262, section 21.4.1.1); what says more says no time at all.
const MAX_EPOCH_MS = 8_640_000_000_000_000;
// Years behind it have six digits in ISO 8601, which hardly anybody reads.
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * When a request expires, in epoch milliseconds, from its time-to-live header: `+N` is Unix seconds,
 * a number is seconds from arrival, anything else a date; at the latest the end of the year 9999.
 * Undefined when it is none of them.
 */
export function parseTimeToLive(text: string, receivedAt: number): number | undefined {
  const value = text.trim();
  const expiresAt = readExpiry(value, receivedAt);
  if (!(Math.abs(expiresAt) <= MAX_EPOCH_MS)) return undefined;
  return Math.min(Math.floor(expiresAt), LATEST_MS);
}

// One way to read each text: two for the same digits would be tried for every length of theirs.
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const DATE_START =
  /^(\d{1,4}[-/ ]|(sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? +\d)/i;

function readExpiry(value: string, receivedAt: number): number {
  if (/^\+\d+$/.test(value)) return Number(value.slice(1)) * 1000;
  if (NUMBER.test(value)) return receivedAt + Number(value) * 1000;
  // V8 finds a date in "soon 1-2" too; one begins with its year, month or day, or the name of one.
  return DATE_START.test(value) ? Date.parse(value) : Number.NaN;
}
