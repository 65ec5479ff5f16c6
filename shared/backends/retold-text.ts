import type { Fields } from "../core/fields.ts";
import { type CompletionChunk, isChunk, mapChunk } from "./chunk-texts.ts";
import { type DeliveredText, isUsage } from "./delivered-text.ts";
import { TextMatch } from "./text-match.ts";
import type { RetoldAnswer } from "./told-answer.ts";

// What is new while something old is still to come: one choice may run ahead of another.
const MAX_WAITING_CHARS = 1024 * 1024;
const NOTHING: readonly Fields[] = [];

/** Another completion stream for the same request. Scope: one stream. */
export class RetoldText implements RetoldAnswer {
  readonly #delivered: DeliveredText;
  readonly #match: TextMatch;
  #waiting: CompletionChunk[] = [];
  #waitingChars = 0;
  #isCovered = false;

  constructor(delivered: DeliveredText) {
    this.#delivered = delivered;
    this.#match = new TextMatch(delivered);
  }

  get isCovered(): boolean {
    return this.#isCovered;
  }

  tell(event: Fields): readonly Fields[] | undefined {
    if (!isChunk(event)) return this.#isCovered ? [event] : undefined;
    if (this.#isCovered) return this.#goOn(event);
    const rest = this.#match.rest(event);
    if (this.#match.hasDiverged) return undefined;
    if (rest) {
      this.#waiting.push(rest);
      this.#waitingChars += JSON.stringify(rest).length;
      if (this.#waitingChars > MAX_WAITING_CHARS) return undefined;
    }
    if (!this.#match.isCovered) return NOTHING;
    this.#isCovered = true;
    const told = this.#waiting.map((waiting) => this.#named(waiting));
    this.#waiting = [];
    return told;
  }

  #goOn(chunk: CompletionChunk): readonly Fields[] {
    if (isUsage(chunk) && this.#delivered.hasUsage) return NOTHING;
    return [this.#named(this.#withoutKnown(chunk))];
  }

  /** What is said once was said by the first stream. */
  #withoutKnown(chunk: CompletionChunk): CompletionChunk {
    return mapChunk(chunk, {
      text: (_, text) => text,
      attribute: (at, value) => (this.#delivered.hasAttribute(at) ? undefined : value),
      opaque() {},
    });
  }

  #named(chunk: CompletionChunk): Fields {
    return { ...chunk, ...this.#delivered.identity };
  }
}
