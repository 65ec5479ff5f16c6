/** What an answer says: one part after the other. */
export type Part = readonly [kind: "thought" | "text" | "tool", text: string];

/** How a backend tells an answer: under which names, and in which pieces. */
export interface EventTelling {
  readonly name: string;
  readonly parts: readonly Part[];
  /** Lengths of the pieces, used in turn. */
  readonly pieces: readonly number[];
}

/** One protocol, as a backend tells it and as a client puts it together. */
export interface SpokenProtocol {
  tell(telling: EventTelling): string;
  hear(bytes: Uint8Array): HeardParts;
}

/** An answer as a client puts it together. */
export interface HeardParts {
  readonly parts: readonly Part[];
  /** Every name of the answer and its parts, with what it is of. */
  readonly names: readonly string[];
  /** Whose account of the tokens it holds, the last one told. */
  readonly usageOf: string | undefined;
  readonly isWhole: boolean;
}

export type Event = Readonly<Record<string, unknown>>;

/** Events as they stand in a stream. */
export const written = (events: readonly Event[]): string =>
  events.map((event) => `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`).join("");

/** The events of a stream that was delivered to a client; one that is cut fails. */
export function eventsOf<Shape extends { type: string }>(bytes: Uint8Array): Shape[] {
  const blocks = Buffer.from(bytes).toString().split("\n\n");
  if (blocks.pop() !== "") throw new Error("The stream ends within an event.");
  return blocks.flatMap((block) => {
    if (block.startsWith(":")) return [];
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
    const event: Shape = JSON.parse(data ?? "");
    if (event.type !== name) throw new Error(`An event has two names: ${block}`);
    return [event];
  });
}

/** A text in pieces of such lengths, an empty one before it. */
export function cut(text: string, pieces: readonly number[], from: number): string[] {
  const cuts = [""];
  let turn = from;
  for (let at = 0; at < text.length; ) {
    const size = Math.max(1, pieces[turn++ % Math.max(1, pieces.length)] ?? 1);
    cuts.push(text.slice(at, at + size));
    at += size;
  }
  return cuts;
}
