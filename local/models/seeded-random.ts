import { hash } from "node:crypto";

/** A stream of numbers in [0, 1) that one seed text determines. */
export type SeededRandom = () => number;

// mulberry32: 32 bits of state are plenty for filler text and latencies, and it is a few
// instructions a number.
const INCREMENT = 0x6d2b79f5;
const TWO_POW_32 = 4_294_967_296;

/** Starts a stream from the seed text. */
export function seededRandom(seedText: string): SeededRandom {
  let state = Number.parseInt(digest(seedText).slice(0, 8), 16);
  return () => {
    state = (state + INCREMENT) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / TWO_POW_32;
  };
}

/** The SHA-256 of a text in hex: request keys and ids are cut from it. */
export function digest(text: string): string {
  return hash("sha256", text, "hex");
}

/** Draws from a log-normal distribution, the usual shape of latencies and answer lengths. */
export function drawLogNormal(random: SeededRandom, median: number, sigma: number): number {
  if (median === 0 || sigma === 0) return median;
  // Box-Muller; 1 - x keeps the logarithm away from zero.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}
