import { type Fields, fieldsIn } from "../core/fields.ts";
import { parsedJson } from "../core/parsed-json.ts";

/** Statuses with which a provider may say that a request does not fit its model. */
export const isContextStatus = (status: number): boolean => status === 400 || status === 413;

const CODES = new Set(["context_length_exceeded", "string_above_max_length"]);
// Anthropic has no code of its own for it: "prompt is too long: 205130 tokens > 200000 maximum".
const MESSAGE = /prompt is too long|maximum context length|context window/i;

/**
 * Whether a refusal says that the request is too long for the model: the body of an answer, or the data of
 * an event in a stream, where the error may stand within a response, or be the event itself.
 */
export function isContextRefusal(body: string): boolean {
  const error = errorIn(fieldsIn(parsedJson(body)));
  if (!error) return false;
  const { code, type, message } = error;
  if (typeof code === "string" && CODES.has(code)) return true;
  const isAboutRequest = type === "invalid_request_error" || code === "invalid_request_error";
  return isAboutRequest && typeof message === "string" && MESSAGE.test(message);
}

function errorIn(told: Fields | undefined): Fields | undefined {
  const error = fieldsIn(told?.["error"] ?? fieldsIn(told?.["response"])?.["error"]);
  return error ?? (told?.["type"] === "error" ? told : undefined);
}
