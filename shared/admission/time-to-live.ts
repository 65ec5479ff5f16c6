// Dates beyond this are no dates (ECMA-262, section 21.4.1.1); it also bounds what a client may ask for.
const MAX_EPOCH_MS = 8_640_000_000_000_000;

/**
 * When a request expires, in epoch milliseconds, from its time-to-live header: `+N` is Unix seconds,
 * a number is seconds from arrival, anything else a date. Undefined when it is none of them.
 */
export function parseTimeToLive(text: string, receivedAt: number): number | undefined {
  const value = text.trim();
  const expiresAt = readExpiry(value, receivedAt);
  return Math.abs(expiresAt) <= MAX_EPOCH_MS ? Math.floor(expiresAt) : undefined;
}

function readExpiry(value: string, receivedAt: number): number {
  if (/^\+\d+$/.test(value)) return Number(value.slice(1)) * 1000;
  if (/^[+-]?\d+(\.\d+)?$/.test(value)) return receivedAt + Number(value) * 1000;
  // A bare word such as "soon 1" parses as a date in V8; a date has a separator between digits.
  return /\d[-/: ]/.test(value) ? Date.parse(value) : Number.NaN;
}
