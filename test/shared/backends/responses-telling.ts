import {
  cut,
  type Event,
  type EventTelling,
  eventsOf,
  type HeardParts,
  type Part,
  type SpokenProtocol,
  written,
} from "./event-tellings.ts";

/** OpenAI's responses. */
export const responses: SpokenProtocol = {
  tell: (telling) => written(responseEvents(telling)),
  hear: (bytes) => heardOf(eventsOf(bytes)),
};

/** A response as the events of its stream; its usage tells its backend. */
export function responseEvents({ name, parts, pieces }: EventTelling): Event[] {
  const response = { id: `resp_${name}`, object: "response", model: name, store: false };
  const items = parts.map(([kind, text], index) => itemOf(kind, { text, index, name }));
  const begun = { ...response, status: "in_progress", output: [], usage: null };
  const events: Event[] = [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
  ];
  for (const [index, [kind, text]] of parts.entries()) {
    const place = { item_id: `${kind}_${name}_${index}`, output_index: index };
    const item = itemOf(kind, { text: undefined, index, name });
    events.push({ type: "response.output_item.added", output_index: index, item });
    events.push(...textEvents(kind, { place, texts: cut(text, pieces, index), text }));
    events.push({ type: "response.output_item.done", output_index: index, item: items[index] });
  }
  const done = { ...response, status: "completed", output: items, usage: usageOf(name) };
  events.push({ type: "response.completed", response: done });
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

/** The usage that `hear` finds in what a backend of this name tells. */
export const responseUsage = (name: string): string => JSON.stringify(usageOf(name));

const usageOf = (name: string): object => ({
  input_tokens: name.length - 1,
  output_tokens: name.length,
});

interface TextPlace {
  readonly place: object;
  readonly texts: readonly string[];
  readonly text: string;
}

function textEvents(kind: Part[0], { place, texts, text }: TextPlace): Event[] {
  if (kind === "tool") {
    const type = "response.function_call_arguments";
    const deltas = texts.map((delta) => ({ type: `${type}.delta`, ...place, delta }));
    return [...deltas, { type: `${type}.done`, ...place, arguments: text }];
  }
  const [part, name, index] =
    kind === "text"
      ? (["content_part", "output_text", { content_index: 0 }] as const)
      : (["reasoning_summary_part", "reasoning_summary_text", { summary_index: 0 }] as const);
  const at = { ...place, ...index };
  const deltas = texts.map((delta) => ({
    type: `response.${name}.delta`,
    ...at,
    delta,
    obfuscation: delta.slice(1),
  }));
  return [
    { type: `response.${part}.added`, ...at, part: partOf(kind, "") },
    ...deltas,
    { type: `response.${name}.done`, ...at, text },
    { type: `response.${part}.done`, ...at, part: partOf(kind, text) },
  ];
}

const partOf = (kind: Part[0], text: string): object =>
  kind === "text"
    ? { type: "output_text", text, annotations: [], logprobs: [] }
    : { type: "summary_text", text };

interface ItemFacts {
  /** What it says in the end; nothing yet unless given. */
  readonly text: string | undefined;
  readonly index: number;
  readonly name: string;
}

function itemOf(kind: Part[0], { text, index, name }: ItemFacts): Event {
  const id = `${kind}_${name}_${index}`;
  const status = text === undefined ? "in_progress" : "completed";
  const said = text === undefined ? [] : [partOf(kind, text)];
  if (kind === "thought") return { id, type: "reasoning", summary: said };
  if (kind === "text") return { id, type: "message", role: "assistant", status, content: said };
  const call = { call_id: `call_${name}_${index}`, name: "look", arguments: text ?? "" };
  return { id, type: "function_call", status, ...call };
}

interface Item {
  id: string;
  type: "reasoning" | "message" | "function_call";
  call_id?: string;
  arguments?: string;
  summary?: { text: string }[];
  content?: { text: string }[];
}
interface Shape {
  type: string;
  sequence_number: number;
  output_index: number;
  item_id?: string;
  item: Item;
  delta: string;
  text?: string;
  arguments?: string;
  response: { id: string; model: string; output: Item[]; usage: object | null };
}

const KINDS = { reasoning: "thought", message: "text", function_call: "tool" } as const;
const textOf = ({ arguments: args, summary, content }: Item): string =>
  args ?? [...(summary ?? []), ...(content ?? [])].map(({ text }) => text).join("");
const nameOf = ({ id, call_id: call }: Item): string =>
  call === undefined ? `item ${id}` : `item ${id} ${call}`;

/** Puts a response together as a client does, and fails on what none may hold. */
function heardOf(events: readonly Shape[]): HeardParts {
  const parts: [Part[0], string][] = [];
  const [items, ids]: [string[], Set<string>] = [[], new Set()];
  const seen = new Set<string>();
  let [isOpen, isWhole, usage] = [false, false, undefined as string | undefined];
  for (const [at, event] of events.entries()) {
    const { type, item, delta, output_index: index } = event;
    if (isWhole) throw new Error("There is more behind the end.");
    if (event.sequence_number !== at) throw new Error(`Event ${at} has another's number.`);
    if (event.response) ids.add(`response ${event.response.id} ${event.response.model}`);
    if (/created|in_progress|part\.added/.test(type)) {
      const key = `${type} ${event.item_id}`;
      if (seen.has(key)) throw new Error(`It is told twice: ${key}`);
      seen.add(key);
    }
    const part = parts.at(-1);
    if (type.endsWith("item.added")) {
      if (isOpen || index !== parts.length) throw new Error(`Item ${index} is out of its turn.`);
      isOpen = true;
      parts.push([KINDS[item.type], ""]);
      items.push(nameOf(item));
    } else if (index !== undefined) {
      if (!isOpen || index !== parts.length - 1 || !part) throw new Error("No item is open.");
      const id = event.item_id ?? item.id;
      if (id !== items[index]?.split(" ")[1]) throw new Error(`Item ${index} has another name.`);
      if (type.endsWith(".delta")) part[1] += delta;
      const whole = event.text ?? event.arguments ?? (item && textOf(item));
      if (whole !== undefined && whole !== part[1]) throw new Error(`${whole} is not ${part[1]}`);
      if (item && nameOf(item) !== items[index]) throw new Error("A call has two names.");
      if (item) isOpen = false;
    } else if (type === "response.completed") {
      isWhole = true;
      usage = JSON.stringify(event.response.usage);
      const { output } = event.response;
      const told = output.map((one) => [KINDS[one.type], textOf(one)]);
      if (JSON.stringify(told) !== JSON.stringify(parts)) throw new Error("It ends as another.");
      if (output.map(nameOf).join() !== items.join()) throw new Error("It ends by other names.");
    }
  }
  return { parts, names: [...ids, ...items], usageOf: usage, isWhole };
}
