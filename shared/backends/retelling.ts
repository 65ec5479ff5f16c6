import { type Fields, fieldsIn } from "../core/fields.ts";
import type { SseEvent } from "../core/sse-event.ts";
import { SseParser } from "../core/sse-parser.ts";
import type { DeliveredAnswer } from "./delivered-answer.ts";
import { isErrorEvent, isFailedAnswer, type StreamFollower } from "./first-telling.ts";
import type { RetoldAnswer } from "./told-answer.ts";

// Keeps the connection in use where the backend's own comments would have.
const COMMENT = Buffer.from(":\n\n");

/**
 * Another backend's stream for the same request: nothing of it is delivered until it has said all that
 * was delivered before, to the letter; from there on it goes on under the first one's name. Scope: one stream.
 */
export class Retelling implements StreamFollower {
  readonly #delivered: DeliveredAnswer;
  readonly #retold: RetoldAnswer | undefined;
  readonly #parser = new SseParser({ onEvent: (event) => this.#see(event) });
  #ready: Uint8Array[] = [];
  #hasJoined = false;
  #hasDiverged = false;
  #hasFailed = false;
  #failedBy: readonly Uint8Array[] | undefined;

  constructor(delivered: DeliveredAnswer) {
    this.#delivered = delivered;
    this.#retold = delivered.retold();
  }

  /** Whether it says something else, or what cannot go on under the first one's name. */
  get hasDiverged(): boolean {
    return this.#hasDiverged;
  }

  /** Whether it has said what was delivered, and goes on. */
  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  get failedBy(): readonly Uint8Array[] | undefined {
    return this.#failedBy;
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
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #see({ event, data, json, isTruncated }: SseEvent): void {
    if (this.#hasDiverged || this.#hasFailed) return;
    // An event that is not all there can be neither compared nor handed on.
    if (isTruncated) {
      this.#hasDiverged = true;
      return;
    }
    const value = fieldsIn(json);
    // What fails says nothing; whoever reads it meets the failure itself.
    if (isErrorEvent(event, data, value)) this.#hasFailed = true;
    else if (value && isFailedAnswer(data, value)) this.#fail(event, value);
    else if (value) this.#tell(event, value);
    else if (this.#hasJoined) this.#passOn(event, data);
    else this.#hasDiverged = true;
  }

  #tell(event: string, value: Fields): void {
    const told = this.#retold ? this.#retold.tell(value) : [value];
    if (!told) {
      this.#hasDiverged = true;
      return;
    }
    this.#hasJoined ||= this.#retold?.isCovered ?? true;
    for (const next of told) {
      this.#delivered.record(next);
      this.#ready.push(eventOf(JSON.stringify(next), told.length === 1 ? event : ""));
    }
  }

  /** Of one that has not joined nobody is to hear. */
  #fail(event: string, value: Fields): void {
    this.#hasFailed = true;
    const told = (this.#hasJoined && this.#retold?.tell(value)) || [];
    this.#failedBy = told.map((next) => eventOf(JSON.stringify(next), event));
  }

  #passOn(event: string, data: string): void {
    if (data !== "[DONE]") this.#delivered.giveUp();
    this.#ready.push(eventOf(data, event));
  }
}

/** An event in the form of a stream; data of several lines has a field for each. */
function eventOf(data: string, event: string): Uint8Array {
  const name = event === "" ? "" : `event: ${event}\n`;
  return Buffer.from(`${name}data: ${data.replaceAll("\n", "\ndata: ")}\n\n`);
}
