import { type Fields, isFields } from "../core/fields.ts";

/** One event of a chat or text completion stream. */
export interface CompletionChunk {
  readonly choices: readonly unknown[];
  readonly [field: string]: unknown;
}

/** What of a chunk is looked at, piece by piece and in order; what is returned stands in its place. */
export interface ChunkVisitor {
  /** A piece of text; a channel is one that clients put together, such as a tool call's arguments. */
  text(at: ChunkPlace, text: string): string;
  /** A name or an id, which is said once; undefined leaves it out. */
  attribute(at: ChunkPlace, value: string): string | undefined;
  /** A value that is no text, so that no letters of it can be compared. */
  opaque(at: ChunkPlace): void;
}

export interface ChunkPlace {
  readonly choice: number;
  readonly channel: string;
}

/** Whether an event is one of a completion stream. */
export const isChunk = (event: Fields): event is CompletionChunk => Array.isArray(event["choices"]);

/** The chunk with all that its choices say put through the visitor. */
export function mapChunk(chunk: CompletionChunk, visitor: ChunkVisitor): CompletionChunk {
  return {
    ...chunk,
    choices: chunk.choices.map((choice, index) => mapChoice(choice, index, visitor)),
  };
}

/** The finish reason is compared as a whole: one must not be taken for the beginning of another. */
const FINISH_END = "\n";

function mapChoice(choice: unknown, index: number, visitor: ChunkVisitor): unknown {
  if (!isFields(choice)) {
    visitor.opaque({ choice: index, channel: "" });
    return choice;
  }
  const number = choiceNumber(choice, index);
  const mapped = { ...choice };
  const { text, delta, finish_reason: reason } = choice;
  if (typeof text === "string")
    mapped["text"] = visitor.text({ choice: number, channel: "text" }, text);
  if (isFields(delta)) mapped["delta"] = mapFields(delta, { choice: number, channel: "" }, visitor);
  if (typeof reason === "string") {
    const left = visitor.text({ choice: number, channel: "finish" }, reason + FINISH_END);
    mapped["finish_reason"] = left === "" ? null : reason;
  }
  return mapped;
}

const ATTRIBUTES = new Set(["role", "id", "type"]);

function mapFields(fields: Fields, { choice, channel }: ChunkPlace, visitor: ChunkVisitor): Fields {
  const mapped: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const at = { choice, channel: `${channel}.${name}` };
    const isAttribute = ATTRIBUTES.has(name) && typeof value === "string";
    const kept = isAttribute
      ? visitor.attribute(at, value)
      : mapValue(name, value, { at, visitor });
    if (kept !== undefined) mapped[name] = kept;
  }
  return mapped;
}

function mapValue(
  name: string,
  value: unknown,
  { at, visitor }: { at: ChunkPlace; visitor: ChunkVisitor },
): unknown {
  if (value === null || name === "index") return value;
  if (typeof value === "string") {
    const left = visitor.text(at, value);
    // A client might put an empty name in the place of the one that it has.
    return left === "" && value !== "" ? undefined : left;
  }
  if (isFields(value)) return mapFields(value, at, visitor);
  if (Array.isArray(value)) return mapList(value, at, visitor);
  visitor.opaque(at);
  return value;
}

function mapList(list: readonly unknown[], at: ChunkPlace, visitor: ChunkVisitor): unknown[] {
  return list.map((element, index) => {
    if (!isFields(element)) {
      visitor.opaque(at);
      return element;
    }
    const channel = `${at.channel}.${indexOf(element) ?? index}`;
    return mapFields(element, { choice: at.choice, channel }, visitor);
  });
}

/** The number by which a choice goes on from chunk to chunk. */
export const choiceNumber = (choice: unknown, position: number): number =>
  (isFields(choice) ? indexOf(choice) : undefined) ?? position;

/** The place that an element says it has; deltas of several tool calls come in any order. */
function indexOf({ index }: Fields): number | undefined {
  return typeof index === "number" ? index : undefined;
}
