import type { SseEvent } from "../core/sse-event.ts";
import { SseParser } from "../core/sse-parser.ts";

// Most answers that come fast have ended by then, with a report of their usage: what they said is never looked for.
const MAX_UNREAD_BYTES = 64 * 1024;
// One whose events come one by one stays for long, and each of them costs far more than to look for its text.
const MAX_UNREAD_PIECES = 64;
const FIRST_CAPACITY_BYTES = 1024;
// Why it ended, what it used, and that it is over, each told by itself.
const MAX_ENDING_PIECES = 4;
const MAX_ENDING_BYTES = 4096;
const NOTHING = Buffer.alloc(0);

// Escaped as in JSON, so that a quote within a text does not end it.
const TEXT =
  /"(?:content|text|delta|arguments|partial_json|thinking|reasoning_content|reasoning|refusal|generation|outputText)"\s*:\s*"((?:[^"\\]|\\.)*)"/g;

/**
 * Collects what a stream says, for a count of its tokens where it reports none. Its events are kept as
 * they came, and read when they become too many or when somebody asks. Works on bytes in the shape of
 * Latin-1 characters, which cost a search less than those that they stand for. Scope: one stream.
 */
export class AnswerText {
  readonly #maxBytes: number;
  #unread: string[] = [];
  #unreadBytes = 0;
  /** The last of those that were read. */
  #lastRead: string[] = [];
  #said: Buffer = NOTHING;
  #length = 0;
  #saidBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the bytes of whole events. */
  take(events: string): void {
    const isMuch = this.#unreadBytes > MAX_UNREAD_BYTES || this.#unread.length >= MAX_UNREAD_PIECES;
    // What came last may be the whole answer, and its report with it.
    if (isMuch) this.#read();
    this.#unread.push(events);
    this.#unreadBytes += events.length;
  }

  /** Lets go of what nobody will ask for: whoever still has the reader need not hold a whole stream. */
  forget(): void {
    this.#unread = [];
    this.#unreadBytes = 0;
    this.#lastRead = [];
  }

  /** What was said, as far as it was kept. */
  get text(): string {
    this.#read();
    const escaped = this.#said.toString("utf8", 0, this.#length);
    try {
      return JSON.parse(`"${escaped}"`) as string;
    } catch {
      return escaped;
    }
  }

  /** The last events, as far as they are short. */
  get ending(): string {
    const last = [...this.#lastRead, ...this.#unread].slice(-MAX_ENDING_PIECES);
    return last.map((piece) => piece.slice(-MAX_ENDING_BYTES)).join("");
  }

  /** How many times longer the whole is than what was kept; 1 for nearly all. */
  get scale(): number {
    this.#read();
    return this.#length === 0 ? 1 : this.#saidBytes / this.#length;
  }

  #read(): void {
    if (this.#unreadBytes === 0) return;
    const events = this.#unread.join("");
    this.#lastRead = this.#unread.slice(-MAX_ENDING_PIECES);
    this.#unread = [];
    this.#unreadBytes = 0;
    if (!events.includes("event:")) this.#find(events);
    else {
      const parser = new SseParser({ onEvent: (event) => this.#see(event) });
      parser.push(Buffer.from(events, "latin1"));
    }
  }

  #see({ event, data }: SseEvent): void {
    // Other named events repeat what their deltas have said.
    if (event !== "" && (!event.endsWith("delta") || event === "message_delta")) return;
    this.#find(Buffer.from(data).toString("latin1"));
  }

  #find(bytes: string): void {
    for (const [, said = ""] of bytes.matchAll(TEXT)) this.#add(said);
  }

  // Copied: a part of a string would keep all of it alive.
  #add(said: string): void {
    this.#saidBytes += said.length;
    const length = this.#length + said.length;
    if (length > this.#maxBytes) return;
    if (length > this.#said.length) this.#grow(length);
    this.#said.write(said, this.#length, "latin1");
    this.#length = length;
  }

  #grow(neededBytes: number): void {
    const size = Math.max(FIRST_CAPACITY_BYTES, neededBytes, this.#said.length * 2);
    const grown = Buffer.allocUnsafe(Math.min(size, this.#maxBytes));
    this.#said.copy(grown, 0, 0, this.#length);
    this.#said = grown;
  }
}
