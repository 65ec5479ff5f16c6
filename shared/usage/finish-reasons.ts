import { isFields } from "../core/fields.ts";

const NAMES = ["finish_reason", "finishReason", "stop_reason", "stopReason"] as const;
// Words of a protocol; nothing that anybody could have said.
const WORD = /^[A-Za-z_]{1,40}$/;
// Begins with what all names share: an engine looks for a text faster than for a choice of texts.
const SAID = /(?<="(?:finish_r|finishR|stop_r|stopR))eason"\s*:\s*"([A-Za-z_]{1,40})"/g;

/** Why each part of an answer ended, as its document says it; empty where it does not. */
export function finishReasonsIn(value: unknown): readonly string[] {
  // A stream that is a list tells it last.
  const whole: unknown = Array.isArray(value) ? value.at(-1) : value;
  if (!isFields(whole)) return [];
  const parts = [whole["choices"], whole["candidates"]].find(Array.isArray) ?? [whole];
  const reasons: string[] = [];
  for (const part of parts) {
    const name = isFields(part) ? NAMES.find((each) => typeof part[each] === "string") : undefined;
    const word = name === undefined ? "" : String(part[name]);
    if (WORD.test(word)) reasons.push(word);
  }
  return reasons;
}

/** The same as the last events of a stream say it. Within a JSON string both quotes of the name would be escaped. */
export function finishReasonsSaid(ending: string): readonly string[] {
  const reasons: string[] = [];
  // No `matchAll`, which makes a pattern of its own for each stream.
  SAID.lastIndex = 0;
  for (let found = SAID.exec(ending); found; found = SAID.exec(ending)) {
    if (found[1] !== undefined) reasons.push(found[1]);
  }
  return reasons;
}
