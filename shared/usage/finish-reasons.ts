type Fields = Readonly<Record<string, unknown>>;

const NAMES = ["finish_reason", "finishReason", "stop_reason", "stopReason"] as const;
// Words of a protocol; nothing that anybody could have said.
const WORD = /^[A-Za-z_]{1,40}$/;
const SAID = new RegExp(`"(?:${NAMES.join("|")})"\\s*:\\s*"([A-Za-z_]{1,40})"`, "g");

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Why each part of an answer ended, as its document says it; empty where it does not. */
export function finishReasonsIn(value: unknown): readonly string[] {
  // A stream that is a list tells it last.
  const whole: unknown = Array.isArray(value) ? value.at(-1) : value;
  if (!isFields(whole)) return [];
  const parts = [whole["choices"], whole["candidates"]].find(Array.isArray) ?? [whole];
  return parts.filter(isFields).flatMap((part: Fields) => {
    const word = NAMES.map((name) => part[name]).find((reason) => typeof reason === "string");
    return word !== undefined && WORD.test(word) ? [word] : [];
  });
}

/** The same as the last events of a stream say it. Within a JSON string both quotes of the name would be escaped. */
export const finishReasonsSaid = (ending: string): readonly string[] =>
  Array.from(ending.matchAll(SAID), ([, word = ""]) => word);
