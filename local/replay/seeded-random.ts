/** A stream of numbers in [0, 1) that its seed determines. */
export type SeededRandom = () => number;

// A SplitMix generator of 32 bits: a counter that steps by 2^32 divided by the golden ratio, through a
// mixer of two multiplications. One word of state is plenty for a workload.
const INCREMENT = 0x9e3779b9;
const FIRST_MULTIPLIER = 0x21f0aaad;
const SECOND_MULTIPLIER = 0x735a2d97;
const TWO_POW_32 = 4_294_967_296;

/** Starts a stream. Streams of neighbouring seeds have nothing in common. */
export function seededRandom(seed: number): SeededRandom {
  let state = mix(seed | 0);
  return () => {
    state = (state + INCREMENT) | 0;
    return (mix(state) >>> 0) / TWO_POW_32;
  };
}

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), FIRST_MULTIPLIER);
  mixed = Math.imul(mixed ^ (mixed >>> 15), SECOND_MULTIPLIER);
  return mixed ^ (mixed >>> 15);
}
