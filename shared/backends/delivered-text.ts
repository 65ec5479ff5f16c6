import { type ChunkPlace, type CompletionChunk, mapChunk } from "./chunk-texts.ts";
import { Stretch } from "./stretch.ts";

// A million characters are more than any model says in one answer.
const MAX_CHARS = 1024 * 1024;
// Two backends never agree on these, and a client must not see two answers in one.
const IDENTITY = ["id", "object", "created", "model", "system_fingerprint", "service_tier"];

/** What a client has been told by a completion stream, as far as it can be compared. Scope: one answer. */
export class DeliveredText {
  readonly #choices = new Map<number, Stretch[]>();
  readonly #attributes = new Set<string>();
  readonly #maxChars: number;
  #identity: Readonly<Record<string, unknown>> | undefined;
  #chars = 0;
  #isComparable = true;
  #hasUsage = false;

  constructor(maxChars = MAX_CHARS) {
    this.#maxChars = maxChars;
  }

  /** Whether all that was delivered is held here. */
  get isComparable(): boolean {
    return this.#isComparable;
  }

  /** Whether the account of the tokens was delivered, which is given once. */
  get hasUsage(): boolean {
    return this.#hasUsage;
  }

  /** What was said for each choice, in order. */
  get choices(): ReadonlyMap<number, readonly Stretch[]> {
    return this.#choices;
  }

  /** What the first backend called the answer. */
  get identity(): Readonly<Record<string, unknown>> {
    return this.#identity ?? {};
  }

  hasAttribute(at: ChunkPlace): boolean {
    return this.#attributes.has(keyOf(at));
  }

  /** Notes a chunk on its way to the client. */
  record(chunk: CompletionChunk): void {
    if (!this.#isComparable) return;
    // Some announce an answer with a chunk that has neither choices nor a name yet.
    if (chunk.choices.length > 0) this.#identity ??= identityOf(chunk);
    if (isUsage(chunk)) this.#hasUsage = true;
    mapChunk(chunk, {
      text: (at, text) => this.#say(at, text),
      attribute: (at, value) => {
        this.#attributes.add(keyOf(at));
        return value;
      },
      opaque: () => this.giveUp(),
    });
  }

  /** Something was delivered that cannot be compared; what is held is let go. */
  giveUp(): void {
    this.#isComparable = false;
    this.#choices.clear();
    this.#attributes.clear();
  }

  #say({ choice, channel }: ChunkPlace, text: string): string {
    this.#chars += text.length;
    if (this.#chars > this.#maxChars) this.giveUp();
    if (text === "" || !this.#isComparable) return text;
    const stretches = this.#choices.get(choice) ?? [];
    const last = stretches.at(-1);
    const stretch = last?.channel === channel ? last : new Stretch(channel);
    stretch.append(text);
    if (stretch !== last) stretches.push(stretch);
    this.#choices.set(choice, stretches);
    return text;
  }
}

/** Whether a chunk only accounts for the tokens. */
export const isUsage = ({ choices, usage }: CompletionChunk): boolean =>
  choices.length === 0 && typeof usage === "object" && usage !== null;

const keyOf = ({ choice, channel }: ChunkPlace): string => `${choice}${channel}`;

function identityOf(chunk: CompletionChunk): Record<string, unknown> {
  const known = IDENTITY.filter((name) => chunk[name] !== undefined && chunk[name] !== "");
  return Object.fromEntries(known.map((name) => [name, chunk[name]]));
}
