import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  CL100K_TOKEN_SPLIT_REGEX,
  O200K_TOKEN_SPLIT_REGEX,
} from "gpt-tokenizer/encodingParams/constants";
import type { EncodingName } from "./encoding-of.ts";
import { NO_RANK, TokenTable } from "./token-table.ts";

const WORDS: Record<EncodingName, RegExp> = {
  o200k_base: O200K_TOKEN_SPLIT_REGEX,
  cl100k_base: CL100K_TOKEN_SPLIT_REGEX,
};
const MAX_PIECE_CHARACTERS = 4000;
// Of a character of UTF-16 in UTF-8.
const MAX_BYTES_A_CHARACTER = 3;
const MAX_BYTES = MAX_PIECE_CHARACTERS * MAX_BYTES_A_CHARACTER;

const toUtf8 = new TextEncoder();
const loaded = new Map<EncodingName, Encoding>();

/** An encoding, with its tables loaded when it is first asked for. */
export function encodingNamed(name: EncodingName): Encoding {
  const known = loaded.get(name);
  if (known) return known;
  const encoding = new Encoding(new TokenTable(readFileSync(tokensOf(name))), WORDS[name]);
  loaded.set(name, encoding);
  return encoding;
}

/** As built, beside this file; in the sources, where the library has it. */
function tokensOf(name: EncodingName): string {
  const built = join(import.meta.dirname, `${name}.tiktoken`);
  if (existsSync(built)) return built;
  const library = createRequire(join(import.meta.dirname, "encoding.ts"));
  return library.resolve(`gpt-tokenizer/data/${name}.tiktoken`);
}

/**
 * Cuts texts into tokens as models read them: into words by a pattern, and each word into bytes, of which
 * the pair that makes the token of the lowest rank is joined until no pair makes one. What looks like a
 * control token is text here, as it is for a model's endpoint. Scope: one thread.
 */
export class Encoding {
  readonly #table: TokenTable;
  readonly #words: RegExp;
  readonly #bytes = new Uint8Array(MAX_BYTES);
  /** Where each part of the word begins, and where the last one ends. */
  readonly #starts = new Uint32Array(MAX_BYTES + 1);
  /** The rank of each part with the one behind it. */
  readonly #ranks = new Uint32Array(MAX_BYTES);

  constructor(table: TokenTable, words: RegExp) {
    this.#table = table;
    this.#words = words;
  }

  count(text: string): number {
    let tokens = 0;
    for (const piece of pieces(text)) {
      for (const [word] of piece.matchAll(this.#words)) tokens += this.#countWord(word);
    }
    return tokens;
  }

  #countWord(word: string): number {
    const { written: length } = toUtf8.encodeInto(word, this.#bytes);
    return this.#table.rankOf(this.#bytes, 0, length) === NO_RANK ? this.#join(length) : 1;
  }

  /** Gives the number of parts that no pair of can be joined. */
  #join(length: number): number {
    const starts = this.#starts;
    const ranks = this.#ranks;
    for (let at = 0; at <= length; at++) starts[at] = at;
    for (let at = 0; at < length; at++) ranks[at] = this.#pairRank(at, length);
    let count = length;
    for (;;) {
      const at = lowest(ranks, count);
      if (at < 0) return count;
      starts.copyWithin(at + 1, at + 2, count + 1);
      ranks.copyWithin(at + 1, at + 2, count);
      count -= 1;
      ranks[at] = this.#pairRank(at, count);
      if (at > 0) ranks[at - 1] = this.#pairRank(at - 1, count);
    }
  }

  #pairRank(at: number, count: number): number {
    if (at + 2 > count) return NO_RANK;
    return this.#table.rankOf(this.#bytes, this.#starts[at] ?? 0, this.#starts[at + 2] ?? 0);
  }
}

/** Where the lowest rank of the first `count` stands; -1 where there is none. */
function lowest(ranks: Uint32Array, count: number): number {
  let rank = NO_RANK;
  let found = -1;
  for (let at = 0; at < count; at++) {
    const own = ranks[at] ?? NO_RANK;
    if (own >= rank) continue;
    rank = own;
    found = at;
  }
  return found;
}

/** Cut at spaces: the time that a run of letters takes grows with the square of its length. */
function pieces(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const latest = at + MAX_PIECE_CHARACTERS;
    const space = latest < text.length ? text.lastIndexOf(" ", latest) : -1;
    const end = space > at ? space : latest;
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}
