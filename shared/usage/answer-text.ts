import { type SseEvent, SseParser } from "../core/sse-parser.ts";

// Most answers have ended by then, with a report of their usage: what they said is never looked for.
const MAX_UNREAD_BYTES = 64 * 1024;
const FIRST_CAPACITY_BYTES = 1024;

// Escaped as in JSON, so that a quote within a text does not end it.
const TEXT =
  /"(?:content|text|delta|arguments|partial_json|thinking|reasoning_content|reasoning|refusal)"\s*:\s*"((?:[^"\\]|\\.)*)"/g;

/**
 * Collects what a stream says, for a count of its tokens where it reports none. Its events are kept as
 * they came, in a copy (a slice would keep far more alive), and read when they become too many or when
 * somebody asks. Scope: one stream.
 */
export class AnswerText {
  readonly #said: Bytes;
  readonly #unread = new Bytes(MAX_UNREAD_BYTES);
  #saidBytes = 0;

  constructor(maxBytes: number) {
    this.#said = new Bytes(maxBytes);
  }

  /** Takes bytes that hold whole events. */
  take(events: Buffer): void {
    if (this.#unread.add(events)) return;
    this.#readAll();
    if (!this.#unread.add(events)) this.#read(events);
  }

  /** What was said, as far as it was kept. */
  get text(): string {
    this.#readAll();
    const escaped = this.#said.bytes.toString();
    try {
      return JSON.parse(`"${escaped}"`) as string;
    } catch {
      return escaped;
    }
  }

  /** How many times longer the whole is than what was kept; 1 for nearly all. */
  get scale(): number {
    this.#readAll();
    return this.#said.length === 0 ? 1 : this.#saidBytes / this.#said.length;
  }

  #readAll(): void {
    if (this.#unread.length === 0) return;
    this.#read(this.#unread.bytes);
    this.#unread.clear();
  }

  #read(events: Buffer): void {
    if (events.includes("event:"))
      new SseParser({ onEvent: (event) => this.#see(event) }).push(events);
    else this.#find(events.toString("latin1"));
  }

  #see({ event, data }: Pick<SseEvent, "event" | "data">): void {
    // Other named events repeat what their deltas have said.
    if (event !== "" && (!event.endsWith("delta") || event === "message_delta")) return;
    this.#find(Buffer.from(data).toString("latin1"));
  }

  /** Takes bytes as characters, which cost a search less than the characters that they stand for. */
  #find(bytes: string): void {
    for (const [, said = ""] of bytes.matchAll(TEXT)) {
      this.#saidBytes += said.length;
      this.#said.add(Buffer.from(said, "latin1"));
    }
  }
}

/** Bytes one behind the other, up to a limit. Scope: one stream. */
class Bytes {
  readonly #maxBytes: number;
  #held: Buffer = Buffer.alloc(0);
  length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A view of what is held; it is overwritten behind `clear`. */
  get bytes(): Buffer {
    return this.#held.subarray(0, this.length);
  }

  /** Whether there was room for them. */
  add(bytes: Buffer): boolean {
    const length = this.length + bytes.length;
    if (length > this.#maxBytes) return false;
    if (length > this.#held.length) this.#grow(length);
    bytes.copy(this.#held, this.length);
    this.length = length;
    return true;
  }

  clear(): void {
    this.length = 0;
  }

  #grow(neededBytes: number): void {
    const size = Math.max(FIRST_CAPACITY_BYTES, neededBytes, this.#held.length * 2);
    const grown = Buffer.allocUnsafe(Math.min(size, this.#maxBytes));
    this.bytes.copy(grown);
    this.#held = grown;
  }
}
