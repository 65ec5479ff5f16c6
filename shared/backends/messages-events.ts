import { type Fields, fieldsIn } from "../core/fields.ts";
import { markOf } from "./event-mark.ts";
import {
  type AnswerNames,
  type EventProtocol,
  LAST_WORD,
  NOTHING_SAID,
  OPAQUE,
  type Saying,
} from "./event-protocol.ts";

// Tools that the provider runs itself are not among them: they have run, and would run again.
const BLOCKS = new Set(["text", "thinking", "redacted_thinking", "tool_use"]);
/** By the type of a delta, where its text stands. */
const TEXTS: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  input_json_delta: "partial_json",
};

/** Streams of the Messages API, https://docs.anthropic.com/en/api/messages-streaming */
export const MESSAGES: EventProtocol = {
  says(event) {
    const { type, index } = event;
    switch (type) {
      case "message_start":
        return { kind: "once", name: type };
      case "ping":
        return NOTHING_SAID;
      case "content_block_start":
        return startSays(event);
      case "content_block_delta":
        return deltaSays(event);
      case "content_block_stop":
        return { kind: "mark", mark: `stop ${index}` };
      case "message_delta":
        return { kind: "mark", mark: `finish ${markOf(event["delta"])}` };
      case "message_stop":
        return LAST_WORD;
      default:
        return OPAQUE;
    }
  },
  withText(event, text) {
    const delta = fieldsIn(event["delta"]) ?? {};
    return { ...event, delta: { ...delta, [textField(delta) ?? "text"]: text } };
  },
  names: () => new MessageNames(),
};

function startSays({ index, content_block: block }: Fields): Saying {
  const type = fieldsIn(block)?.["type"];
  if (typeof type !== "string" || !BLOCKS.has(type)) return OPAQUE;
  return { kind: "mark", mark: `start ${index} ${markOf(block)}` };
}

function deltaSays(event: Fields): Saying {
  const { index } = event;
  const delta = fieldsIn(event["delta"]) ?? {};
  const { type } = delta;
  const field = textField(delta);
  const text = field === undefined ? undefined : delta[field];
  if (typeof text === "string") {
    return { kind: "text", channel: `${field} ${index}`, text, isWhole: false };
  }
  // It seals the text before it, which was compared; no two seals are alike.
  if (type === "signature_delta") return { kind: "once", name: `signature ${index}` };
  if (type === "citations_delta")
    return { kind: "mark", mark: `citation ${index} ${markOf(delta)}` };
  return OPAQUE;
}

const textField = ({ type }: Fields): string | undefined =>
  typeof type === "string" ? TEXTS[type] : undefined;

// Of the same prompt each backend had another part in its cache.
const PROMPT_USAGE = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];

/**
 * A message is named at its beginning alone, a tool's call in its block's. But what it used is told in
 * two places, and the two must speak of one call: the one that brought it to its end. Scope: one answer.
 */
class MessageNames implements AnswerNames {
  #prompt: Fields = {};

  note(): void {}

  applyTo(event: Fields): Fields {
    if (event["type"] === "message_start") this.#prompt = promptUsage(event);
    const usage = fieldsIn(event["usage"]);
    if (event["type"] !== "message_delta" || !usage) return event;
    const own = Object.entries(usage).filter(([, count]) => count !== null);
    return { ...event, usage: { ...usage, ...this.#prompt, ...Object.fromEntries(own) } };
  }
}

function promptUsage({ message }: Fields): Fields {
  const usage = fieldsIn(fieldsIn(message)?.["usage"]) ?? {};
  const told = PROMPT_USAGE.filter((name) => typeof usage[name] === "number");
  return Object.fromEntries(told.map((name) => [name, usage[name]]));
}
