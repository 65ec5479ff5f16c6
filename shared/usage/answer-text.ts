import type { SseEvent } from "../core/sse-parser.ts";

const FIRST_CAPACITY_BYTES = 1024;
const NOTHING = Buffer.alloc(0);

// Escaped as in JSON, so that a quote within a text does not end it.
const TEXT =
  /"(?:content|text|delta|arguments|partial_json|thinking|reasoning_content|reasoning|refusal)"\s*:\s*"((?:[^"\\]|\\.)*)"/g;

/**
 * Collects what a stream says, for a count of its tokens where it reports none. It copies the few bytes
 * of each delta: a slice would keep the whole event alive. Scope: one stream.
 */
export class AnswerText {
  readonly #maxBytes: number;
  #bytes: Buffer = NOTHING;
  #length = 0;
  #seenBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  take({ event, data }: Pick<SseEvent, "event" | "data">): void {
    // Other named events repeat what their deltas have said.
    if (event !== "" && (!event.endsWith("delta") || event === "message_delta")) return;
    for (const match of data.matchAll(TEXT)) this.#add(match[1] ?? "");
  }

  /** What was said, as far as it was kept. */
  get text(): string {
    if (this.#length === 0) return "";
    const escaped = this.#bytes.toString("utf8", 0, this.#length);
    try {
      return JSON.parse(`"${escaped}"`) as string;
    } catch {
      return escaped;
    }
  }

  /** How many times longer the whole is than what was kept; 1 for nearly all. */
  get scale(): number {
    return this.#length === 0 ? 1 : this.#seenBytes / this.#length;
  }

  #add(escaped: string): void {
    if (escaped === "") return;
    const bytes = Buffer.byteLength(escaped);
    this.#seenBytes += bytes;
    if (this.#length + bytes > this.#maxBytes) return;
    if (this.#length + bytes > this.#bytes.length) this.#grow(this.#length + bytes);
    this.#length += this.#bytes.write(escaped, this.#length);
  }

  #grow(neededBytes: number): void {
    const size = Math.max(FIRST_CAPACITY_BYTES, neededBytes, this.#bytes.length * 2);
    const grown = Buffer.allocUnsafe(Math.min(Math.max(neededBytes, size), this.#maxBytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
