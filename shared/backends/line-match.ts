import type { Stretch } from "./stretch.ts";

/** How far another stream has said a line again, letter by letter. Scope: one attempt to continue. */
export class LineMatch {
  readonly #stretches: readonly Stretch[];
  #at = 0;
  #offset = 0;

  constructor(stretches: readonly Stretch[]) {
    this.#stretches = stretches;
  }

  /** Whether the whole line has been said again. */
  get isCovered(): boolean {
    return this.#at >= this.#stretches.length;
  }

  /** What of a text goes beyond the line; undefined where it differs from it. */
  rest(channel: string, text: string): string | undefined {
    let from = 0;
    while (from < text.length) {
      const said = this.#stretches[this.#at];
      if (!said) break;
      const length = Math.min(text.length - from, said.text.length - this.#offset);
      const isSame =
        said.channel === channel &&
        said.text.startsWith(text.slice(from, from + length), this.#offset);
      if (!isSame) return undefined;
      from += length;
      this.#offset += length;
      if (this.#offset === said.text.length) {
        this.#at += 1;
        this.#offset = 0;
      }
    }
    return text.slice(from);
  }
}
