import { type Fields, fieldsIn } from "../core/fields.ts";
import { parsedJson } from "../core/parsed-json.ts";

// What providers call an error that is the request's own; others may come and go with the backend.
const CODES = new Set([
  "content_filter",
  "content_policy_violation",
  "responsibleaipolicyviolation",
  "context_length_exceeded",
  "string_above_max_length",
  "invalid_prompt",
  "invalid_request_error",
]);

/**
 * Whether the data of an error event are a verdict on the request, which is the same everywhere and
 * must not be evaded: `error` as it stands in chat completions and messages, or within a response.
 */
export function isRefusalEvent(data: string): boolean {
  const event = within(parsedJson(data));
  const error = within(event["error"] ?? within(event["response"])["error"]);
  const inner = within(error["innererror"]);
  return [event["code"], error["code"], error["type"], inner["code"]].some(
    (code) => typeof code === "string" && CODES.has(code.toLowerCase()),
  );
}

const within = (value: unknown): Fields => fieldsIn(value) ?? {};
