import type { Findings } from "./findings.ts";
import { toWireText } from "./read-entries.ts";

// RFC 9110, sections 5.1 and 5.5: nothing else may stand in a header, above all no line break.
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Collects a profile's headers by their lower-cased names; a name's last occurrence counts. */
export type HeadersByName = Map<string, readonly [name: string, value: string]>;

/** Adds one field of a profile as a header; `place` names the entry in what is found wrong. */
export function addProfileHeader(
  headers: HeadersByName,
  [name, value]: readonly [string, unknown],
  { place, findings }: { place: string; findings: Findings },
): void {
  const shown = JSON.stringify(name.slice(0, 64));
  if (!HEADER_NAME.test(name)) {
    findings.problem(`${place}: field ${shown} cannot be the name of a header`);
    return;
  }
  const text = toText(value);
  if (text === undefined) {
    findings.problem(`${place}: field ${shown} is a number too large to keep; put it in quotes`);
    return;
  }
  if (!HEADER_VALUE.test(text)) {
    findings.problem(`${place}: field ${shown} has characters that no header may have`);
    return;
  }
  const key = name.toLowerCase();
  if (headers.has(key)) findings.warn(`${place}: field ${shown} occurs twice; the last one counts`);
  headers.set(key, Object.freeze([name, text] as const));
}

/** Values become strings: nested JSON as its text, `null` as nothing. */
function toText(value: unknown): string | undefined {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return toWireText(value);
  if (typeof value !== "number") return toWireText(JSON.stringify(value));
  // JSON.parse has already rounded it; to pass a neighbouring number on would be a silent fault.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
}
