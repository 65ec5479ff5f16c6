import { type Fields, fieldsIn } from "../core/fields.ts";
import type { SseEvent } from "../core/sse-event.ts";
import { SseParser } from "../core/sse-parser.ts";
import type { DeliveredAnswer } from "./delivered-answer.ts";
import { isRefusalEvent } from "./refusal-event.ts";

/** Follows a stream whose bytes go to a client. Scope: one stream. */
export interface StreamFollower {
  /** Takes bytes; gives what may be delivered. */
  push(bytes: Uint8Array): readonly Uint8Array[];
  /** Takes the end; gives what is left to deliver. */
  end(): readonly Uint8Array[];
  /** The event in which an answer reported its own failure, once it did: it is delivered by nothing else. */
  readonly failedBy: readonly Uint8Array[] | undefined;
}

// The longest event that is waited for; behind it bytes pass as they come.
const MAX_HELD_BYTES = 1024 * 1024;

/**
 * The stream that a client gets first, byte for byte but event by event: half an event could not be
 * taken back when the stream breaks. Scope: one stream.
 */
export class FirstTelling implements StreamFollower {
  readonly #delivered: DeliveredAnswer;
  readonly #parser = new SseParser({ onEvent: (event) => this.#see(event) });
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Offset in the chunk pushed last behind its last event that is none of an error. */
  #goodUntil = 0;
  #hasFailed = false;
  #isFailedAnswer = false;

  constructor(delivered: DeliveredAnswer) {
    this.#delivered = delivered;
  }

  get failedBy(): readonly Uint8Array[] | undefined {
    return this.#isFailedAnswer && this.#held.length > 0 ? this.#held : undefined;
  }

  push(bytes: Uint8Array): readonly Uint8Array[] {
    if (!this.#delivered.isComparable) return [...this.#takeHeld(), bytes];
    this.#goodUntil = 0;
    const hadFailed = this.#hasFailed;
    this.#parser.push(bytes);
    const until = this.#hasFailed ? this.#goodUntil : this.#parser.boundary;
    const ready = until > 0 && !hadFailed ? [...this.#takeHeld(), bytes.subarray(0, until)] : [];
    this.#hold(bytes.subarray(ready.length > 0 ? until : 0));
    if (this.#heldBytes <= MAX_HELD_BYTES) return ready;
    this.#delivered.giveUp();
    return [...ready, ...this.#takeHeld()];
  }

  end(): readonly Uint8Array[] {
    return this.#takeHeld();
  }

  #takeHeld(): readonly Uint8Array[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#held.push(bytes);
    this.#heldBytes += bytes.byteLength;
  }

  #see({ event, data, json, endsAt }: SseEvent): void {
    if (this.#hasFailed) return;
    const value = fieldsIn(json);
    this.#isFailedAnswer = isFailedAnswer(data, value);
    if (this.#isFailedAnswer || isErrorEvent(event, data, value)) {
      this.#hasFailed = true;
      return;
    }
    this.#goodUntil = endsAt;
    if (value) this.#delivered.record(value);
    else if (data !== "[DONE]") this.#delivered.giveUp();
  }
}

/** Whether an event reports that its backend failed; a verdict on the request is a part of the answer. */
export function isErrorEvent(event: string, data: string, value: Fields | undefined): boolean {
  const isError = event === "error" || value?.["type"] === "error" || Boolean(value?.["error"]);
  return isError && !isRefusalEvent(data);
}

/** Whether an event is the last word of an answer that its backend failed to give. */
export const isFailedAnswer = (data: string, value: Fields | undefined): boolean =>
  value?.["type"] === "response.failed" && !isRefusalEvent(data);
