import type { Findings } from "./findings.ts";

/** A document's content: its JSON text, or its entries where the source has rows instead of text. */
export type DocumentContent = string | readonly unknown[];

/** The entries of a document; reports what is no list, and says so once. */
export function readEntries(content: DocumentContent, findings: Findings): readonly unknown[] {
  const document = typeof content === "string" ? readJson(content, findings) : content;
  if (document === undefined) return [];
  if (!Array.isArray(document)) {
    findings.problem("the document is not a JSON array");
    return [];
  }
  return document;
}

function readJson(text: string, findings: Findings): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the text around the mistake, and that may be a credential.
    const position = /at position \d+/.exec(error instanceof Error ? error.message : "")?.[0];
    findings.problem(`the document is not JSON${position === undefined ? "" : ` (${position})`}`);
    return undefined;
  }
}

/** An id as requests carry it, or undefined where the value cannot be one. */
export function readId(value: unknown): string | undefined {
  const isNumber = typeof value === "number" && Number.isSafeInteger(value);
  if (typeof value !== "string" && !isNumber) return undefined;
  return toWireText(String(value)) || undefined;
}

/**
 * Text as it stands in a header: its UTF-8 bytes, one character each, without blanks around it. ASCII
 * stays as it is; the rest compares equal with what a client sends in UTF-8.
 */
export function toWireText(text: string): string {
  const trimmed = text.trim();
  return /^[\0-\x7f]*$/.test(trimmed) ? trimmed : Buffer.from(trimmed, "utf8").toString("latin1");
}
