import type { Fields } from "../core/fields.ts";
import type { HeaderList } from "../core/headers.ts";
import { quoted } from "./entry-plan.ts";
import type { Findings } from "./findings.ts";
import { toWireText } from "./read-entries.ts";

// RFC 9110, section 5.5: nothing else may stand in a header, above all no line break.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The headers that an entry puts on requests; `place` names the entry in what is found wrong. */
export function readProfileHeaders(
  entry: Fields,
  fields: readonly string[],
  { place, findings }: { place: string; findings: Findings },
): HeaderList {
  const headers = fields.map((field) => {
    const text = toText(entry[field]);
    if (text === undefined) {
      findings.problem(
        `${place}: ${quoted(field)} is a number too large to keep; put it in quotes`,
      );
    } else if (!HEADER_VALUE.test(text)) {
      findings.problem(`${place}: ${quoted(field)} has characters that no header may have`);
    }
    return Object.freeze([field, text ?? ""] as const);
  });
  return Object.freeze(headers);
}

/** Values become strings: nested JSON as its text, `null` as nothing. */
function toText(value: unknown): string | undefined {
  if (typeof value === "string") return toWireText(value);
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return toWireText(JSON.stringify(value));
  // JSON.parse has already rounded it; to pass a neighbouring number on would be a silent fault.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
}
