// A string that grows by tokens keeps a node for each; joined in blocks it costs little more than its letters.
const BLOCK_CHARS = 1024;

/** What was said in one channel of a choice, between two changes of the channel. Scope: one answer. */
export class Stretch {
  readonly channel: string;
  #text = "";
  #pieces: string[] = [];
  #pendingChars = 0;

  constructor(channel: string) {
    this.channel = channel;
  }

  get text(): string {
    this.#join();
    return this.#text;
  }

  append(piece: string): void {
    this.#pieces.push(piece);
    this.#pendingChars += piece.length;
    if (this.#pendingChars >= BLOCK_CHARS) this.#join();
  }

  #join(): void {
    if (this.#pieces.length === 0) return;
    this.#text += this.#pieces.join("");
    this.#pieces = [];
    this.#pendingChars = 0;
  }
}
