import { type ChunkPlace, type CompletionChunk, choiceNumber, mapChunk } from "./chunk-texts.ts";
import type { DeliveredText } from "./delivered-text.ts";
import type { Stretch } from "./stretch.ts";

/** How far into a choice's stretches another stream has said the same. */
interface Cursor {
  stretch: number;
  offset: number;
}

/**
 * Compares another stream with what was delivered, letter by letter, and cuts off what is the same.
 * Scope: one attempt to continue.
 */
export class TextMatch {
  readonly #delivered: ReadonlyMap<number, readonly Stretch[]>;
  readonly #knows: (at: ChunkPlace) => boolean;
  readonly #cursors = new Map<number, Cursor>();
  #hasDiverged = false;
  #saysMore = false;

  constructor(delivered: DeliveredText) {
    this.#delivered = delivered.choices;
    this.#knows = (at) => delivered.hasAttribute(at);
  }

  /** Whether a letter differed, or something came that cannot be compared. */
  get hasDiverged(): boolean {
    return this.#hasDiverged;
  }

  /** Whether all that was delivered has been said again. */
  get isCovered(): boolean {
    for (const [choice, stretches] of this.#delivered) {
      if ((this.#cursors.get(choice)?.stretch ?? 0) < stretches.length) return false;
    }
    return true;
  }

  /** What of the chunk was not delivered yet; undefined when that is nothing. */
  rest(chunk: CompletionChunk): CompletionChunk | undefined {
    this.#saysMore = false;
    const cut = new Set<number>();
    const rest = mapChunk(chunk, {
      text: (at, text) => this.#cut(at, text, cut),
      attribute: (at, value) => (this.#knows(at) ? undefined : value),
      opaque: () => {
        this.#hasDiverged = true;
      },
    });
    // Probabilities are the tokens'; those of half a token are nobody's.
    const isTorn = chunk.choices.some(
      (choice, position) => cut.has(choiceNumber(choice, position)) && hasProbabilities(choice),
    );
    if (isTorn) this.#hasDiverged = true;
    return this.#hasDiverged || !this.#saysMore ? undefined : rest;
  }

  #cut({ choice, channel }: ChunkPlace, text: string, cut: Set<number>): string {
    const stretches = this.#delivered.get(choice) ?? [];
    const cursor = this.#cursors.get(choice) ?? { stretch: 0, offset: 0 };
    this.#cursors.set(choice, cursor);
    let from = 0;
    while (from < text.length) {
      const said = stretches[cursor.stretch];
      if (!said) break;
      const length = Math.min(text.length - from, said.text.length - cursor.offset);
      const isSame =
        said.channel === channel &&
        said.text.startsWith(text.slice(from, from + length), cursor.offset);
      if (!isSame) {
        this.#hasDiverged = true;
        return "";
      }
      from += length;
      cursor.offset += length;
      if (cursor.offset === said.text.length) {
        cursor.stretch += 1;
        cursor.offset = 0;
      }
    }
    const rest = text.slice(from);
    if (rest !== "") this.#saysMore = true;
    if (rest !== "" && from > 0) cut.add(choice);
    return rest;
  }
}

const hasProbabilities = (choice: unknown): boolean =>
  typeof choice === "object" &&
  choice !== null &&
  "logprobs" in choice &&
  choice.logprobs !== null &&
  choice.logprobs !== undefined;
