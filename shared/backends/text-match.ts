import { type ChunkPlace, type CompletionChunk, choiceNumber, mapChunk } from "./chunk-texts.ts";
import type { DeliveredText } from "./delivered-text.ts";
import { LineMatch } from "./line-match.ts";

/**
 * Compares another stream with what was delivered, letter by letter, and cuts off what is the same.
 * Scope: one attempt to continue.
 */
export class TextMatch {
  readonly #choices: ReadonlyMap<number, LineMatch>;
  readonly #delivered: DeliveredText;
  #hasDiverged = false;
  #saysMore = false;

  constructor(delivered: DeliveredText) {
    const lines = [...delivered.choices];
    this.#choices = new Map(lines.map(([choice, line]) => [choice, new LineMatch(line.stretches)]));
    this.#delivered = delivered;
  }

  /** Whether a letter differed, or something came that cannot be compared. */
  get hasDiverged(): boolean {
    return this.#hasDiverged;
  }

  /** Whether all that was delivered has been said again. */
  get isCovered(): boolean {
    for (const match of this.#choices.values()) if (!match.isCovered) return false;
    return true;
  }

  /** What of the chunk was not delivered yet; undefined when that is nothing. */
  rest(chunk: CompletionChunk): CompletionChunk | undefined {
    this.#saysMore = false;
    const cut = new Set<number>();
    const rest = mapChunk(chunk, {
      text: (at, text) => this.#cut(at, text, cut),
      attribute: (at, value) => (this.#delivered.hasAttribute(at) ? undefined : value),
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
    const match = this.#choices.get(choice);
    const rest = match ? match.rest(channel, text) : text;
    if (rest === undefined) {
      this.#hasDiverged = true;
      return "";
    }
    if (rest !== "") this.#saysMore = true;
    if (rest !== "" && rest.length < text.length) cut.add(choice);
    return rest;
  }
}

const hasProbabilities = (choice: unknown): boolean =>
  typeof choice === "object" &&
  choice !== null &&
  "logprobs" in choice &&
  choice.logprobs !== null &&
  choice.logprobs !== undefined;
