import { type HeaderList, headerValue } from "../core/headers.ts";
import { SseParser } from "../core/sse-parser.ts";

// A whole answer that is larger than this is not parsed for its usage.
const MAX_JSON_BYTES = 4 * 1024 * 1024;
const MAX_EVENT_BYTES = 256 * 1024;

/**
 * Reads the tokens that an answer says it used, from a look at bytes that pass by: nothing is changed
 * or delayed. The last usage counts; `usage: null` and text that speaks of usage do not. Scope: one
 * answer.
 */
export class UsageReader {
  readonly #events: SseParser | undefined;
  readonly #isJson: boolean;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #total: number | undefined;

  constructor(headers: HeaderList) {
    const type = headerValue(headers, "content-type") ?? "";
    const isPlain = /^(?:identity)?$/i.test(headerValue(headers, "content-encoding") ?? "");
    this.#isJson = isPlain && /\bjson\b/i.test(type);
    if (isPlain && type.includes("text/event-stream")) {
      this.#events = new SseParser({
        maxEventBytes: MAX_EVENT_BYTES,
        onEvent: ({ data, isTruncated }) => {
          // Most events carry no usage; only those that name it are worth parsing.
          if (!isTruncated && data.includes('"usage"')) this.#take(data);
        },
      });
    }
  }

  read(chunk: Uint8Array): void {
    this.#events?.push(chunk);
    if (!this.#isJson || this.#bytes > MAX_JSON_BYTES) return;
    this.#bytes += chunk.byteLength;
    this.#chunks.push(chunk);
  }

  /** All tokens of the request and its answer; undefined where the answer did not say. */
  get totalTokens(): number | undefined {
    if (this.#isJson && this.#bytes <= MAX_JSON_BYTES && this.#chunks.length > 0) {
      this.#take(Buffer.concat(this.#chunks.splice(0)).toString());
    }
    return this.#total;
  }

  #take(text: string): void {
    try {
      this.#total = totalOf(JSON.parse(text)) ?? this.#total;
    } catch {
      // Not JSON: whatever it is, it reports no usage.
    }
  }
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null ? { ...value } : undefined;

/** The usage of a chat completion, of an embedding, or of a response inside one of its events. */
function totalOf(value: unknown): number | undefined {
  const answer = fieldsOf(value);
  const usage = fieldsOf(answer?.["usage"]) ?? fieldsOf(fieldsOf(answer?.["response"])?.["usage"]);
  if (!usage) return undefined;
  const input = countOf(usage["prompt_tokens"]) ?? countOf(usage["input_tokens"]);
  const output = countOf(usage["completion_tokens"]) ?? countOf(usage["output_tokens"]);
  return countOf(usage["total_tokens"]) ?? sum(input, output);
}

const countOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;

const sum = (input: number | undefined, output: number | undefined): number | undefined =>
  input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0);
