import { type Fields, isFields } from "../core/fields.ts";
import type { SseEvent } from "../core/sse-event.ts";

/** Protocols of event streams that have an ending of their own. */
export type StreamProtocol = "chat" | "responses" | "messages" | "gemini";

/**
 * What an event says about its stream: `preamble` only announces an answer, `finish` completes its
 * content, `end` is the protocol's last word, `failed` is a last word that reports a failure.
 */
export interface EventMeaning {
  readonly meaning: "empty" | "preamble" | "content" | "finish" | "end" | "failed" | "error";
  readonly protocol?: StreamProtocol;
}

const meant = (meaning: EventMeaning["meaning"], protocol?: StreamProtocol): EventMeaning =>
  protocol === undefined ? { meaning } : { meaning, protocol };

const EMPTY = meant("empty");
const CONTENT = meant("content");
const ERROR = meant("error");

// https://platform.openai.com/docs/api-reference/responses-streaming and
// https://docs.anthropic.com/en/api/messages-streaming
const BY_TYPE = new Map<string, EventMeaning>([
  ["error", ERROR],
  ["response.created", meant("preamble", "responses")],
  ["response.queued", meant("preamble", "responses")],
  ["response.in_progress", meant("preamble", "responses")],
  ["response.completed", meant("end", "responses")],
  ["response.incomplete", meant("end", "responses")],
  ["response.cancelled", meant("end", "responses")],
  ["response.failed", meant("failed", "responses")],
  ["message_start", meant("preamble", "messages")],
  ["ping", meant("empty")],
  ["content_block_start", meant("preamble", "messages")],
  ["content_block_delta", meant("content", "messages")],
  ["content_block_stop", meant("content", "messages")],
  ["message_delta", meant("content", "messages")],
  ["message_stop", meant("end", "messages")],
]);
const RESPONSES_CONTENT = meant("content", "responses");

/** Reads one event; `known` is the protocol of an answer that has begun. */
export function eventMeaning(event: SseEvent, known: StreamProtocol | undefined): EventMeaning {
  const { data } = event;
  if (event.event !== "") {
    const named = byType(event.event);
    if (named) return named;
  }
  if (data.trim() === "") return EMPTY;
  if (data === "[DONE]") return meant("end");
  if (event.isTruncated) return CONTENT;
  return known === "chat" ? chatMeaning(event) : parsedMeaning(event);
}

function byType(type: string): EventMeaning | undefined {
  return BY_TYPE.get(type) ?? (type.startsWith("response.") ? RESPONSES_CONTENT : undefined);
}

const CHAT_CONTENT = meant("content", "chat");
// Within a JSON string both quotes would be escaped, so that text cannot be taken for a field.
const FINISH_REASON = /"finish_reason"\s*:\s*"/;

/** Once an answer in chat has begun, its chunks are only searched: parsing each would cost more than routing it. */
function chatMeaning(event: SseEvent): EventMeaning {
  const { data } = event;
  if (data.includes('"error"')) return parsedMeaning(event);
  return FINISH_REASON.test(data) ? meant("finish", "chat") : CHAT_CONTENT;
}

function parsedMeaning({ data, json: value }: SseEvent): EventMeaning {
  // A malformed event is passed on for the client to judge.
  if (!isFields(value)) return CONTENT;
  if (value["error"]) return ERROR;
  const type = value["type"];
  const named = typeof type === "string" ? byType(type) : undefined;
  if (named) return named;
  const choices = value["choices"];
  if (!Array.isArray(choices)) return geminiMeaning(value);
  if (FINISH_REASON.test(data)) return meant("finish", "chat");
  return choices.some(hasContent) ? CHAT_CONTENT : meant("preamble", "chat");
}

// https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
const GEMINI_FINISH = meant("finish", "gemini");
const GEMINI_CONTENT = meant("content", "gemini");

/** Its last event tells why each candidate ended, or that the prompt was blocked, and nothing follows. */
function geminiMeaning({ candidates, promptFeedback }: Fields): EventMeaning {
  if (isFields(promptFeedback) && promptFeedback["blockReason"]) return GEMINI_FINISH;
  if (!Array.isArray(candidates)) return CONTENT;
  const hasEnded = candidates.some((each) => isFields(each) && each["finishReason"]);
  return hasEnded ? GEMINI_FINISH : GEMINI_CONTENT;
}

/** Whether a choice says more than who speaks. */
function hasContent(choice: unknown): boolean {
  if (!isFields(choice)) return true;
  const delta = choice["delta"];
  if (!isFields(delta)) return choice["text"] !== "";
  return Object.entries(delta).some(
    ([name, value]) => name !== "role" && value !== null && value !== "" && !isEmptyList(value),
  );
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
