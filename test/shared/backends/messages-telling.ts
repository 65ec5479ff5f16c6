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

const FIELDS = {
  thought: ["thinking_delta", "thinking"],
  text: ["text_delta", "text"],
  tool: ["input_json_delta", "partial_json"],
} as const;

/** Anthropic's messages. */
export const messages: SpokenProtocol = {
  tell: (telling) => written(messageEvents(telling)),
  hear: (bytes) => heardOf(eventsOf(bytes)),
};

/** A message as the events of its stream; its usage tells its backend. */
export function messageEvents({ name, parts, pieces }: EventTelling): Event[] {
  const usage = { input_tokens: weightOf(name), output_tokens: 1 };
  const message = { id: `msg_${name}`, role: "assistant", model: name, content: [], usage };
  const events: Event[] = [{ type: "message_start", message }, { type: "ping" }];
  for (const [index, [kind, text]] of parts.entries()) {
    events.push({ type: "content_block_start", index, content_block: opened(kind, index, name) });
    const [type, field] = FIELDS[kind];
    for (const piece of cut(text, pieces, index)) {
      events.push({ type: "content_block_delta", index, delta: { type, [field]: piece } });
    }
    if (kind === "thought") {
      const delta = { type: "signature_delta", signature: `${name} signs ${index}` };
      events.push({ type: "content_block_delta", index, delta });
    }
    events.push({ type: "content_block_stop", index });
  }
  const delta = { stop_reason: "end_turn", stop_sequence: null };
  events.push({ type: "message_delta", delta, usage: { output_tokens: weightOf(name) } });
  return [...events, { type: "message_stop" }];
}

const weightOf = (name: string): number => name.length * 100;

function opened(kind: Part[0], index: number, name: string): object {
  if (kind === "thought") return { type: "thinking", thinking: "", signature: "" };
  if (kind === "text") return { type: "text", text: "" };
  return { type: "tool_use", id: `toolu_${name}_${index}`, name: "look", input: {} };
}

/** Puts a message together as a client does, and fails on what none may hold. */
function heardOf(events: readonly Shape[]): HeardParts {
  const [parts, names] = [[] as [Part[0], string][], [] as string[]];
  let [isOpen, isWhole] = [false, false];
  let [prompt, answer] = [0, 0];
  for (const { type, index, message, content_block: block, delta, usage } of events) {
    if (isWhole) throw new Error("There is more behind the end.");
    if ((names.length === 0) !== (type === "message_start")) throw new Error("It begins twice.");
    const part = parts.at(-1);
    if (type === "message_start") {
      names.push(`message ${message.id} ${message.model}`);
      prompt = message.usage.input_tokens;
    } else if (type === "content_block_start") {
      if (isOpen || index !== parts.length) throw new Error(`Block ${index} is out of its turn.`);
      isOpen = true;
      const kinds = { thinking: "thought", text: "text", tool_use: "tool" } as const;
      parts.push([kinds[block.type], ""]);
      if (block.id) names.push(`tool ${index} ${block.id}`);
    } else if (type === "content_block_delta") {
      if (!isOpen || !part || index !== parts.length - 1) throw new Error("No block is open.");
      const piece = delta.text ?? delta.thinking ?? delta.partial_json;
      if (delta.signature) names.push(`signature ${index} ${delta.signature}`);
      else if (FIELDS[part[0]][0] !== delta.type) throw new Error("A block has another kind.");
      part[1] += piece ?? "";
    } else if (type === "content_block_stop") {
      if (!isOpen || index !== parts.length - 1) throw new Error("No block is open.");
      isOpen = false;
    } else if (type === "message_delta") {
      prompt = usage.input_tokens ?? prompt;
      if (answer > 0 || isOpen || delta.stop_reason !== "end_turn") throw new Error("Not its end.");
      answer = usage.output_tokens;
    } else if (type === "message_stop") isWhole = true;
  }
  const usageOf = answer === 0 ? undefined : `${prompt} ${answer}`;
  return { parts, names, usageOf, isWhole };
}

/** The usage that `hear` finds in what a backend of this name tells. */
export const messageUsage = (name: string): string => `${weightOf(name)} ${weightOf(name)}`;

interface Shape {
  type: string;
  index: number;
  message: { id: string; model: string; usage: { input_tokens: number } };
  content_block: { type: "thinking" | "text" | "tool_use"; id?: string };
  delta: Record<"type" | "stop_reason", string> &
    Partial<Record<"text" | "thinking" | "partial_json" | "signature", string>>;
  usage: { input_tokens?: number; output_tokens: number };
}
