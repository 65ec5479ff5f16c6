import { type Fields, fieldsIn } from "../core/fields.ts";
import { markOf } from "./event-mark.ts";
import {
  type EventProtocol,
  LAST_WORD,
  NOTHING_SAID,
  OPAQUE,
  type Saying,
} from "./event-protocol.ts";
import { ResponseNames } from "./response-names.ts";

// Tools that the provider runs itself are not among them: they have run, and would run again.
const ITEMS = new Set(["message", "reasoning", "function_call", "custom_tool_call"]);
const ANNOUNCED = new Set(["response.created", "response.queued", "response.in_progress"]);
const LAST = new Set([
  "response.completed",
  "response.incomplete",
  "response.cancelled",
  "response.failed",
]);
const PARTS =
  /^response\.(output_text|refusal|content_part|reasoning_\w+|function_call_arguments|custom_tool_call_input)\./;

/** Streams of the Responses API, https://platform.openai.com/docs/api-reference/responses-streaming */
export const RESPONSES: EventProtocol = {
  says(event) {
    const { type } = event;
    if (typeof type !== "string") return OPAQUE;
    if (type === "keepalive") return NOTHING_SAID;
    if (LAST.has(type)) return LAST_WORD;
    if (ANNOUNCED.has(type)) return announcementSays(type, event);
    if (type.startsWith("response.output_item.")) return itemSays(type, event);
    return PARTS.test(type) ? partSays(type, event) : OPAQUE;
  },
  withText: (event, delta) => ({ ...event, delta }),
  names: () => new ResponseNames(),
};

/**
 * The ids of a stored response and its items are handles: clients send them instead of what they stand
 * for. Those of a response that broke stand for nothing.
 */
function announcementSays(type: string, { response }: Fields): Saying {
  return fieldsIn(response)?.["store"] === true ? OPAQUE : { kind: "once", name: type };
}

function itemSays(type: string, { item, output_index: index }: Fields): Saying {
  const kind = fieldsIn(item)?.["type"];
  if (typeof kind !== "string" || !ITEMS.has(kind)) return OPAQUE;
  return { kind: "mark", mark: `${type} ${index} ${markOf(item)}` };
}

function partSays(type: string, event: Fields): Saying {
  const { output_index: item, content_index: content, summary_index: summary, delta } = event;
  const place = `${type} ${item} ${content ?? summary ?? ""}`;
  if (!type.endsWith(".delta")) return { kind: "mark", mark: `${place} ${markOf(event)}` };
  if (typeof delta !== "string") return OPAQUE;
  const { logprobs } = event;
  // Probabilities are the tokens'; those of half a token are nobody's.
  const isWhole = Array.isArray(logprobs) && logprobs.length > 0;
  return { kind: "text", channel: place, text: delta, isWhole };
}
