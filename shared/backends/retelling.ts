import { type SseEvent, SseParser } from "../core/sse-parser.ts";
import { type CompletionChunk, mapChunk, toChunk } from "./chunk-texts.ts";
import { type DeliveredText, isUsage } from "./delivered-text.ts";
import { isErrorEvent, type StreamFollower } from "./first-telling.ts";
import { TextMatch } from "./text-match.ts";

// What is new while something old is still to come: one choice may run ahead of another.
const MAX_WAITING_CHARS = 1024 * 1024;
// Keeps the connection in use where the backend's own comments would have.
const COMMENT = Buffer.from(":\n\n");

/**
 * Another backend's stream for the same request: nothing of it is delivered until it has said all that
 * was delivered before, to the letter; from there on it goes on under the first one's name. Scope: one stream.
 */
export class Retelling implements StreamFollower {
  readonly #delivered: DeliveredText;
  readonly #match: TextMatch;
  readonly #parser = new SseParser({ onEvent: (event) => this.#see(event) });
  #waiting: CompletionChunk[] = [];
  #waitingChars = 0;
  #ready: Uint8Array[] = [];
  #hasJoined = false;
  #hasDiverged = false;
  #hasFailed = false;

  constructor(delivered: DeliveredText) {
    this.#delivered = delivered;
    this.#match = new TextMatch(delivered);
  }

  /** Whether it says something else. */
  get hasDiverged(): boolean {
    return this.#hasDiverged;
  }

  /** Whether it has said what was delivered, and goes on. */
  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  push(bytes: Uint8Array): readonly Uint8Array[] {
    this.#parser.push(bytes);
    const ready = this.#take();
    const isQuiet = ready.length === 0 && this.#parser.boundary > 0 && !this.#hasDiverged;
    return isQuiet ? [COMMENT] : ready;
  }

  end(): readonly Uint8Array[] {
    this.#parser.end();
    if (!this.#hasJoined) this.#hasDiverged = true;
    return this.#take();
  }

  #take(): readonly Uint8Array[] {
    const ready = this.#hasDiverged ? [] : this.#ready;
    this.#ready = [];
    return ready;
  }

  #see({ event, data }: SseEvent): void {
    if (this.#hasDiverged || this.#hasFailed) return;
    // What fails says nothing; whoever reads it meets the failure itself.
    if (isErrorEvent(event, data)) this.#hasFailed = true;
    else if (this.#hasJoined) this.#goOn(event, data);
    else this.#compare(data);
  }

  #compare(data: string): void {
    const chunk = toChunk(data);
    const rest = chunk && this.#match.rest(chunk);
    if (!chunk || this.#match.hasDiverged || this.#waitingChars > MAX_WAITING_CHARS) {
      this.#hasDiverged = true;
      return;
    }
    if (rest) {
      this.#waiting.push(rest);
      this.#waitingChars += data.length;
    }
    if (!this.#match.isCovered) return;
    this.#hasJoined = true;
    for (const waiting of this.#waiting) this.#deliver(waiting);
    this.#waiting = [];
  }

  #goOn(event: string, data: string): void {
    const chunk = toChunk(data);
    if (chunk) {
      if (!isUsage(chunk) || !this.#delivered.hasUsage) this.#deliver(this.#withoutKnown(chunk));
      return;
    }
    if (data !== "[DONE]") this.#delivered.giveUp();
    this.#ready.push(eventOf(data, event));
  }

  /** What is said once was said by the first stream. */
  #withoutKnown(chunk: CompletionChunk): CompletionChunk {
    return mapChunk(chunk, {
      text: (_, text) => text,
      attribute: (at, value) => (this.#delivered.hasAttribute(at) ? undefined : value),
      opaque() {},
    });
  }

  #deliver(chunk: CompletionChunk): void {
    const named = { ...chunk, ...this.#delivered.identity };
    this.#delivered.record(named);
    this.#ready.push(eventOf(JSON.stringify(named), ""));
  }
}

/** An event in the form of a stream; data of several lines has a field for each. */
function eventOf(data: string, event: string): Uint8Array {
  const name = event === "" ? "" : `event: ${event}\n`;
  return Buffer.from(`${name}data: ${data.replaceAll("\n", "\ndata: ")}\n\n`);
}
