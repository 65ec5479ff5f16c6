import type { EventBytes } from "../core/event-bytes.ts";
import { TURN_SIGNAL } from "../core/event-signals.ts";
import type { SseEvent } from "../core/sse-event.ts";
import { SseParser, type SseParserOptions } from "../core/sse-parser.ts";
import { isRefusalEvent } from "./refusal-event.ts";
import { type EventMeaning, eventMeaning, type StreamProtocol } from "./stream-meaning.ts";

/** Follows an event stream on the side: whether it has begun, failed, or ended as it should. Scope: one stream. */
export class StreamWatch {
  readonly #parser: SseParser;
  #protocol: StreamProtocol | undefined;
  #hasBegun = false;
  #hasFinished = false;
  #hasEnded = false;
  #failedAt: number | undefined;
  #refusal: string | undefined;
  #isClosing = false;
  #rest: readonly EventBytes[] | undefined;

  /** `rewrite`: what whole events are to be before anybody looks at them. */
  constructor(rewrite?: SseParserOptions["rewrite"]) {
    this.#parser = new SseParser({
      onEvent: (event) => this.#see(event),
      telling: () => this.#telling(),
      rewrite,
    });
  }

  /** Looks at bytes that pass. Gives the events that they hold, for others who look into them. */
  push(chunk: Uint8Array): readonly EventBytes[] {
    return this.#parser.push(chunk);
  }

  /**
   * The connection has ended; an event that lacks no more than its blank line still counts. Gives what
   * was left, as `push` does.
   */
  close(): readonly EventBytes[] {
    this.#isClosing = true;
    this.#rest ??= this.#parser.end();
    return this.#rest;
  }

  /** The protocol that its events have shown. */
  get protocol(): StreamProtocol | undefined {
    return this.#protocol;
  }

  /** Whether a part of the answer proper has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The data of an event that refuses the request, where that is all the answer there is. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** The offset behind an error event in what was pushed last: what follows is no part of an answer. */
  get failedAt(): number | undefined {
    return this.#failedAt;
  }

  /** Whether an error event has come. */
  get hasFailed(): boolean {
    return this.#failedAt !== undefined;
  }

  /** Whether the protocol's last word has come: nothing that happens later can harm the answer. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether a stream whose connection ended in order is a whole answer. */
  get isComplete(): boolean {
    if (this.#hasEnded || this.#protocol === undefined) return true;
    return this.#hasFinished && (this.#protocol === "chat" || this.#protocol === "gemini");
  }

  /** Once an answer has begun its content tells nothing new, and nearly all of a stream is content. */
  #telling(): RegExp | undefined {
    return this.#hasBegun && this.#protocol !== undefined ? TURN_SIGNAL : undefined;
  }

  #see(event: SseEvent): void {
    if (this.#failedAt !== undefined || this.#hasEnded) return;
    const { meaning, protocol } = this.#read(event);
    this.#protocol ??= protocol;
    if (meaning === "error" || (meaning === "failed" && !this.#hasBegun)) {
      this.#fail(event);
      return;
    }
    if (meaning === "content" || meaning === "finish") this.#hasBegun = true;
    if (meaning === "finish") this.#hasFinished = true;
    if (meaning === "end" || meaning === "failed") this.#hasEnded = true;
    // A whole answer may be told in its last event alone.
    if (meaning === "end" && this.#protocol !== undefined) this.#hasBegun = true;
  }

  /** A verdict on the request is an answer, and its last word: it is the client's to have. */
  #fail({ data, endsAt }: SseEvent): void {
    if (!isRefusalEvent(data)) {
      this.#failedAt = endsAt;
      return;
    }
    if (!this.#hasBegun) this.#refusal = data;
    this.#hasBegun = true;
    this.#hasEnded = true;
  }

  /** An object that is cut is no last word, and no first one: the answer may be in what is missing. */
  #read(event: SseEvent): EventMeaning {
    // Until the answer has begun each event is read to its ground: several may announce it.
    const read = eventMeaning(event, this.#hasBegun ? this.#protocol : undefined);
    if (!this.#isClosing || !isObjects(read, event.data)) return read;
    return event.json !== undefined ? read : { ...read, meaning: "empty" };
  }
}

/** Whether an event is one whose data must be an object. */
function isObjects({ meaning }: EventMeaning, data: string): boolean {
  if (meaning === "error" || data === "[DONE]") return false;
  return data.startsWith("{") || meaning === "end" || meaning === "failed";
}
