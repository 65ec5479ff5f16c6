import { fieldsIn } from "../core/fields.ts";
import { parsedJson } from "../core/parsed-json.ts";

/** Statuses with which a provider may say that a request does not fit its model. */
export const isContextStatus = (status: number): boolean => status === 400 || status === 413;

const CODES = new Set(["context_length_exceeded", "string_above_max_length"]);
// Anthropic has no code of its own for it: "prompt is too long: 205130 tokens > 200000 maximum".
const MESSAGE = /prompt is too long|maximum context length|context window/i;

/** Whether the body of a refusal says that the request is too long for the model. */
export function isContextRefusal(body: string): boolean {
  const error = fieldsIn(fieldsIn(parsedJson(body))?.["error"]);
  if (!error) return false;
  const { code, type, message } = error;
  if (typeof code === "string" && CODES.has(code)) return true;
  const isAboutRequest = type === "invalid_request_error" || code === "invalid_request_error";
  return isAboutRequest && typeof message === "string" && MESSAGE.test(message);
}
