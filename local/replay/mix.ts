import type { Parsed } from "./trace-row.ts";

/** How a request is served: as a stream, as one answer, or as a job. */
export type Mode = (typeof MODES)[number];

/** The modes, in the order in which they are shown. */
export const MODES = ["stream", "queued", "async"] as const;

/** The share of each mode; together 1. */
export type Mix = Readonly<Record<Mode, number>>;

// Room for shares such as three times 0.333333.
const SUM_TOLERANCE = 1e-5;

const isMode = (name: string): name is Mode => MODES.some((mode) => mode === name);
const refuse = (problem: string): { ok: false; problem: string } => ({ ok: false, problem });

/** Reads a mix such as `stream=0.5,queued=0.3,async=0.2`; a mode that is left out has no share. */
export function parseMix(text: string): Parsed<Mix> {
  const shares = new Map<Mode, number>();
  for (const part of text.split(",")) {
    const [name = "", value = "", ...more] = part.split("=").map((word) => word.trim());
    if (!isMode(name)) return refuse(`"${name}" is no mode; the modes are ${MODES.join(", ")}`);
    if (shares.has(name)) return refuse(`${name} is there twice`);
    const share = value === "" || more.length > 0 ? Number.NaN : Number(value);
    if (!(share >= 0 && share <= 1)) return refuse(`the share of ${name} is no number from 0 to 1`);
    shares.set(name, share);
  }
  const sum = [...shares.values()].reduce((total, share) => total + share, 0);
  if (Math.abs(sum - 1) > SUM_TOLERANCE) {
    return refuse(`the shares add up to ${Number(sum.toFixed(6))}, not to 1`);
  }
  const [stream, queued, async] = MODES.map((mode) => shares.get(mode) ?? 0);
  return { ok: true, value: { stream: stream ?? 0, queued: queued ?? 0, async: async ?? 0 } };
}

/** The mode at a point from 0 to 1 of the mix. */
export function modeAt(mix: Mix, point: number): Mode {
  let end = 0;
  for (const mode of MODES) {
    end += mix[mode];
    if (point < end) return mode;
  }
  // Shares that sum to a little less than 1 leave a sliver: it belongs to the last mode in use.
  return MODES.findLast((mode) => mix[mode] > 0) ?? "stream";
}
