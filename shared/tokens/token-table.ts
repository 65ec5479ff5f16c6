/** What stands for the rank of bytes that are no token: no token's rank is as high. */
export const NO_RANK = 0xffffffff;

const LF = 0x0a;
const SPACE = 0x20;
// So many slots a token that a search seldom looks at more than two.
const SLOTS_A_TOKEN = 2;
const SIX_BITS = new Map(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map((digit, at) => [
    digit.charCodeAt(0),
    at,
  ]),
);
const NO_DIGIT = 0xff;
const DIGITS = Uint8Array.from({ length: 256 }, (_, code) => SIX_BITS.get(code) ?? NO_DIGIT);

/**
 * The tokens of an encoding and their ranks, in three flat arrays: a string and a map's entry for each
 * of 200,000 tokens take ten times the memory, and the collector looks at them all. Scope: one encoding.
 */
export class TokenTable {
  /** All tokens, one behind the other, by their ranks. */
  readonly #bytes: Uint8Array;
  /** Where each begins, and where the last one ends. */
  readonly #starts: Uint32Array;
  /** A token's rank and one, at the first free slot from where its hash points; 0 in a free one. */
  readonly #slots: Uint32Array;

  /** `text`: what the providers publish, a line for each token, with its bytes in Base64 and its rank. */
  constructor(text: Uint8Array) {
    const { bytes, starts } = decode(text);
    const count = starts.length - 1;
    this.#bytes = bytes;
    this.#starts = starts;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(count * SLOTS_A_TOKEN)));
    for (let rank = 0; rank < count; rank++) this.#place(rank);
  }

  /** The rank of the bytes from `start` to `end`, or `NO_RANK`. */
  rankOf(bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    for (let at = hashOf(bytes, start, end); ; at++) {
      const entry = slots[at & (slots.length - 1)] ?? 0;
      if (entry === 0) return NO_RANK;
      if (this.#isToken(entry - 1, bytes, start, end)) return entry - 1;
    }
  }

  #place(rank: number): void {
    const slots = this.#slots;
    let at = hashOf(this.#bytes, this.#starts[rank] ?? 0, this.#starts[rank + 1] ?? 0);
    while (slots[at & (slots.length - 1)] !== 0) at++;
    slots[at & (slots.length - 1)] = rank + 1;
  }

  // Four numbers, not an object: it is asked for every pair of bytes.
  #isToken(rank: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[rank] ?? 0;
    const length = end - start;
    if ((this.#starts[rank + 1] ?? 0) - from !== length) return false;
    const own = this.#bytes;
    for (let at = 0; at < length; at++) if (own[from + at] !== bytes[start + at]) return false;
    return true;
  }
}

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, with its high bits folded into those that are used. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** A line's place is its token's rank. */
function decode(text: Uint8Array): { bytes: Uint8Array; starts: Uint32Array } {
  const bytes = new Uint8Array(text.length);
  const starts = [0];
  let end = 0;
  let bits = 0;
  let bitCount = 0;
  let isToken = true;
  for (const code of text) {
    if (code === LF) {
      starts.push(end);
      bitCount = 0;
      isToken = true;
    } else if (code === SPACE) isToken = false;
    const digit = DIGITS[code] ?? NO_DIGIT;
    if (!isToken || digit === NO_DIGIT) continue;
    bits = (bits << 6) | digit;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[end++] = bits >> bitCount;
  }
  return { bytes: bytes.slice(0, end), starts: Uint32Array.from(starts) };
}
