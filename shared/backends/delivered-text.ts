import type { Fields } from "../core/fields.ts";
import { type ChunkPlace, type CompletionChunk, isChunk, mapChunk } from "./chunk-texts.ts";
import { SpokenLine } from "./spoken-line.ts";
import type { ToldAnswer } from "./told-answer.ts";

// Two backends never agree on these, and a client must not see two answers in one.
const IDENTITY = ["id", "object", "created", "model", "system_fingerprint", "service_tier"];

/** What a client has been told by a completion stream, as far as it can be compared. Scope: one answer. */
export class DeliveredText implements ToldAnswer {
  readonly #choices = new Map<number, SpokenLine>();
  readonly #attributes = new Set<string>();
  readonly #maxChars: number;
  #identity: Fields | undefined;
  #chars = 0;
  #isOpaque = false;
  #hasUsage = false;

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /** Whether the account of the tokens was delivered, which is given once. */
  get hasUsage(): boolean {
    return this.#hasUsage;
  }

  /** What was said for each choice, in order. */
  get choices(): ReadonlyMap<number, SpokenLine> {
    return this.#choices;
  }

  /** What the first backend called the answer. */
  get identity(): Fields {
    return this.#identity ?? {};
  }

  hasAttribute(at: ChunkPlace): boolean {
    return this.#attributes.has(keyOf(at));
  }

  record(chunk: Fields): boolean {
    if (!isChunk(chunk)) return false;
    // Some announce an answer with a chunk that has neither choices nor a name yet.
    if (chunk.choices.length > 0) this.#identity ??= identityOf(chunk);
    if (isUsage(chunk)) this.#hasUsage = true;
    mapChunk(chunk, {
      text: (at, text) => this.#say(at, text),
      attribute: (at, value) => {
        this.#attributes.add(keyOf(at));
        return value;
      },
      opaque: () => {
        this.#isOpaque = true;
      },
    });
    return !this.#isOpaque && this.#chars <= this.#maxChars;
  }

  letGo(): void {
    this.#choices.clear();
    this.#attributes.clear();
  }

  #say({ choice, channel }: ChunkPlace, text: string): string {
    if (text === "") return text;
    this.#chars += text.length;
    const line = this.#choices.get(choice) ?? new SpokenLine();
    line.say(channel, text);
    this.#choices.set(choice, line);
    return text;
  }
}

/** Whether a chunk only accounts for the tokens. */
export const isUsage = ({ choices, usage }: CompletionChunk): boolean =>
  choices.length === 0 && typeof usage === "object" && usage !== null;

const keyOf = ({ choice, channel }: ChunkPlace): string => `${choice}${channel}`;

function identityOf(chunk: CompletionChunk): Fields {
  const known = IDENTITY.filter((name) => chunk[name] !== undefined && chunk[name] !== "");
  return Object.fromEntries(known.map((name) => [name, chunk[name]]));
}
