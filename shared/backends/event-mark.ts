import { createHash } from "node:crypto";
import { fieldsIn } from "../core/fields.ts";

// Each backend makes these up, or they are of its tokens and of no text.
const OWN = new Set([
  "id",
  "item_id",
  "call_id",
  "sequence_number",
  "encrypted_content",
  "signature",
  "logprobs",
  "obfuscation",
]);

/** A short form of a value in which two are the same that say the same, whatever they call it. */
export function markOf(value: unknown): string {
  const text = JSON.stringify(said(value)) ?? "";
  return createHash("sha256").update(text).digest("base64url");
}

function said(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(said);
  const fields = fieldsIn(value);
  if (!fields) return value;
  const known = Object.keys(fields).filter((name) => !OWN.has(name) && !isEmpty(fields[name]));
  return known.sort().map((name) => [name, said(fields[name])]);
}

/** Whether a field may as well be left out. */
const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0);
