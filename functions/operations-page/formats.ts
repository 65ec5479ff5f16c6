/** A time span as people read it: `3 ms`, `1.2 s`, `4 min`. */
export function duration(ms: number | undefined | null): string {
  if (ms === undefined || ms === null) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** A number as people read it: `0.4`, `12`, `3.4 k`, `1.2 M`. */
export function amount(value: number | undefined): string {
  if (value === undefined) return "–";
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} k`;
  return value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

/** A part of a hundred. */
export const percent = (value: number | undefined): string =>
  value === undefined ? "–" : `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;

/** The time of the day. */
export const clockTime = (iso: string): string => new Date(iso).toLocaleTimeString();
