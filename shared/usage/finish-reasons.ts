import { type Fields, fieldsIn, isFields } from "../core/fields.ts";
import { parsedJson } from "../core/parsed-json.ts";

// Words of a protocol; nothing that anybody could have said.
const WORD = /^[A-Za-z_]{1,40}$/;
// Begins with what all names share: an engine looks for a text faster than for a choice of texts.
const SAID = /(?<="(?:finish_r|finishR|stop_r|stopR))eason"\s*:\s*"([A-Za-z_]{1,40})"/g;
const DATA = /^data:(.*)$/gm;
// Responses that fail tell no usage, for which their last event would be read.
const FAILED = /"type"\s*:\s*"response\.(failed|incomplete|cancelled)"/;

/** Where nothing is said. */
export const NO_REASONS: readonly string[] = [];

/** Why each part of an answer ended, as one JSON value of it says; empty where it does not. */
export function finishReasonsIn(value: Fields): readonly string[] {
  const parts = partsIn(value);
  // An event that goes on says nothing, and most answers have one part.
  if (parts.length === 0) return NO_REASONS;
  const first = reasonIn(parts[0]);
  if (parts.length === 1) return first === undefined ? NO_REASONS : [first];
  return parts.map(reasonIn).filter((word) => word !== undefined);
}

/** The same as the last events of a stream say it. Within a JSON string both quotes of the name would be escaped. */
export function finishReasonsSaid(ending: string): readonly string[] {
  const reasons: string[] = [];
  // No `matchAll`, which makes a pattern of its own for each stream.
  SAID.lastIndex = 0;
  for (let found = SAID.exec(ending); found; found = SAID.exec(ending)) {
    if (found[1] !== undefined) reasons.push(found[1]);
  }
  return reasons.length > 1 ? ofEachPart(ending) : reasons;
}

/** How a stream of a response failed, as its last events say it. */
export function failureSaid(ending: string): readonly string[] {
  const status = FAILED.exec(ending)?.[1];
  return status === undefined ? NO_REASONS : [status];
}

/** Events may say it of one part after the other, or of the same part again and again: what is said last counts. */
function ofEachPart(ending: string): readonly string[] {
  const reasons = new Map<number, string>();
  for (const [, data = ""] of ending.matchAll(DATA)) {
    for (const [place, part] of partsIn(fieldsIn(parsedJson(data)) ?? {}).entries()) {
      const word = reasonIn(part);
      const index = isFields(part) ? part["index"] : undefined;
      if (word !== undefined) reasons.set(typeof index === "number" ? index : place, word);
    }
  }
  return [...reasons].sort(([one], [other]) => one - other).map(([, word]) => word);
}

/** The parts of an answer: its choices or candidates, or the answer itself, or what an event adds to it. */
function partsIn(value: Fields): readonly unknown[] {
  const { choices, candidates, delta, response } = value;
  if (Array.isArray(choices)) return choices;
  if (Array.isArray(candidates)) return candidates;
  return [[delta, response].find(isFields) ?? value];
}

function reasonIn(part: unknown): string | undefined {
  if (!isFields(part)) return undefined;
  if (part["object"] === "response") return endOfResponse(part);
  // By their names, not by a list of them: an engine remembers where each was found.
  const word = part["finish_reason"] ?? part["finishReason"] ?? part["stop_reason"];
  return wordIn(word ?? part["stopReason"]);
}

const wordIn = (value: unknown): string | undefined =>
  typeof value === "string" && WORD.test(value) ? value : undefined;

const ENDED: ReadonlySet<unknown> = new Set(["completed", "incomplete", "failed", "cancelled"]);
// What whoever asked has to do before it goes on.
const TOOL_CALLS: ReadonlySet<unknown> = new Set([
  ...["function_call", "custom_tool_call", "computer_call", "local_shell_call", "apply_patch_call"],
]);

/**
 * Responses have a status instead of a reason; where it is not the whole story they say more. That they call
 * tools they do not say: that is told in the word of chats.
 */
function endOfResponse(response: Fields): string | undefined {
  const { status, output } = response;
  if (!ENDED.has(status)) return undefined;
  const reason = wordIn(fieldsIn(response["incomplete_details"])?.["reason"]);
  if (reason !== undefined) return reason;
  const isForTools =
    status === "completed" &&
    Array.isArray(output) &&
    output.some((item) => isFields(item) && TOOL_CALLS.has(item["type"]));
  return isForTools ? "tool_calls" : String(status);
}
