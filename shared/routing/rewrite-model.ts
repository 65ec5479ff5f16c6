import { asBuffer } from "../core/bytes.ts";
import type { RequestBody, StoredBody } from "../core/http.ts";

const DEPLOYMENT = /(\/deployments\/)[^/?#]+/i;

/** The target with the deployment's name after `/deployments/` replaced. The query stays as it was. */
export function rewriteModelInTarget(target: string, model: string): string {
  const [path = "", ...query] = target.split("?");
  const rewritten = path.replace(DEPLOYMENT, (_, before) => before + encodeURIComponent(model));
  return [rewritten, ...query].join("?");
}

/**
 * The JSON text with the value of the top level's `model` replaced, and every other byte as it was;
 * what is no JSON object, or names no model, is returned unchanged.
 */
export function rewriteModelInBody(body: Uint8Array, model: string): Uint8Array;
export function rewriteModelInBody(body: RequestBody, model: string): RequestBody;
export function rewriteModelInBody(body: RequestBody, model: string): RequestBody {
  if (!(body instanceof Uint8Array)) return rewriteModelInStored(body, model);
  const text = asBuffer(body);
  const spans = topLevelModels(text);
  if (spans.length === 0) return body;
  const name = Buffer.from(JSON.stringify(model));
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end } of spans) {
    parts.push(text.subarray(from, start), name);
    from = end;
  }
  return Buffer.concat([...parts, text.subarray(from)]);
}

function rewriteModelInStored(body: StoredBody, model: string): StoredBody {
  const spans = body.members.filter(({ name, text }) => name === "model" && text.startsWith('"'));
  if (spans.length === 0) return body;
  const name = Buffer.from(JSON.stringify(model));
  const replaced = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  return {
    sizeBytes: body.sizeBytes - replaced + spans.length * name.byteLength,
    members: [],
    promptTokens: body.promptTokens,
    read: () => withReplaced(body.read(), spans, name),
    close: () => body.close(),
  };
}

/** The bytes with those between the offsets replaced. */
async function* withReplaced(
  source: AsyncIterable<Uint8Array>,
  spans: readonly Span[],
  replacement: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for await (const chunk of source) {
    const chunkEnd = at + chunk.byteLength;
    let from = at;
    for (const { start, end } of spans) {
      if (end <= from || start >= chunkEnd) continue;
      if (start > from) yield chunk.subarray(from - at, start - at);
      // A span may lie across chunks; its replacement stands where it begins.
      if (start >= at) yield replacement;
      from = Math.min(end, chunkEnd);
    }
    if (from < chunkEnd) yield chunk.subarray(from - at);
    at = chunkEnd;
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const [QUOTE, BACKSLASH, COLON, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [
  ...Buffer.from('"\\:{}[]'),
];
const WHITESPACE = new Set(Buffer.from(" \t\r\n"));

/**
 * Where the strings stand that are values of a top-level `model`. Works on bytes: in UTF-8 no byte of a
 * longer character looks like one of JSON's own.
 */
function topLevelModels(text: Buffer): Span[] {
  const spans: Span[] = [];
  let depth = 0;
  let isModelNext = false;
  if (text[skipWhitespace(text, 0)] !== OPEN_BRACE) return spans;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    if (byte !== QUOTE) continue;
    const end = endOfString(text, at);
    if (end === undefined) return [];
    const isKey = text[skipWhitespace(text, end)] === COLON;
    if (isModelNext && !isKey) spans.push({ start: at, end });
    isModelNext = isKey && depth === 1 && isModelKey(text.subarray(at, end), text, end);
    at = end - 1;
  }
  return depth === 0 ? spans : [];
}

/** Whether the string is the key `model`, however escaped, with a string for its value. */
function isModelKey(key: Buffer, text: Buffer, end: number): boolean {
  const value = skipWhitespace(text, skipWhitespace(text, end) + 1);
  if (text[value] !== QUOTE) return false;
  try {
    return JSON.parse(key.toString()) === "model";
  } catch {
    return false;
  }
}

function skipWhitespace(text: Buffer, from: number): number {
  let at = from;
  while (WHITESPACE.has(text[at] ?? -1)) at += 1;
  return at;
}

/** The offset behind the closing quote of the string that begins at `start`. */
function endOfString(text: Buffer, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === BACKSLASH) at += 1;
    else if (text[at] === QUOTE) return at + 1;
  }
  return undefined;
}
