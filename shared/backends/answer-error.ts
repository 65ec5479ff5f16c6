import { asBuffer } from "../core/bytes.ts";
import { BackendFailure } from "./backend-failure.ts";
import { isRefusalEvent } from "./refusal-event.ts";

// An answer that reports an error besides has something else in front, and one without has null.
const ERROR_ALONE = /^\s*\{\s*(?:"error"\s*:\s*[{"]|"type"\s*:\s*"error"\s*,)/;
const SEARCHED_BYTES = 64;

/**
 * What a model's answer says that is nothing but an error, under a status of success: gives the text of a
 * verdict on the request, and throws for every other.
 */
export function refusalIn(bytes: Uint8Array): string | undefined {
  const answer = asBuffer(bytes);
  if (!ERROR_ALONE.test(answer.toString("latin1", 0, SEARCHED_BYTES))) return undefined;
  const text = answer.toString();
  if (isRefusalEvent(text)) return text;
  const message = "The answer is an error under a status of success.";
  throw new BackendFailure("error-event", message, { mayHaveBegun: true });
}
