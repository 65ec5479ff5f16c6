import { asBuffer } from "../core/bytes.ts";
import { type Fields, fieldsIn, isFields } from "../core/fields.ts";
import { parsedJson } from "../core/parsed-json.ts";
import { topMembers } from "../core/top-members.ts";

const CHAT_OR_TEXT = /\/(?:chat\/)?completions(?:\?|$)/i;
const STREAM = /"stream"\s*:\s*true/;
// As bytes: a text would be encoded for each body.
const STREAM_NAME = Buffer.from('"stream"');
const OPTIONS = "stream_options";
const MEMBERS = new Set(["stream", OPTIONS]);
const ASKED = '{"include_usage":true}';
const ASK = Buffer.from(`"${OPTIONS}":${ASKED}`);
const ASK_FIRST = Buffer.concat([ASK, Buffer.from(",")]);
const [OPEN_BRACE, CLOSE_BRACE, QUOTE, SPACE] = [0x7b, 0x7d, 0x22, 0x20];

/**
 * The body of a streamed chat or text completion with a wish for its usage, which the client did not ask
 * for; undefined where it did, where the shape knows no such wish, or where it cannot be put in without
 * touching anything else.
 */
export function withUsageWish(target: string, body: Uint8Array): Uint8Array | undefined {
  if (!CHAT_OR_TEXT.test(target)) return undefined;
  const bytes = asBuffer(body);
  if (!bytes.includes(STREAM_NAME)) return undefined;
  const text = bytes.toString();
  if (!STREAM.test(text)) return undefined;
  const members = topMembers(text, MEMBERS);
  if (members && !members.some(([name]) => name === OPTIONS)) {
    const isStream = members.at(-1)?.[1] === "true";
    return isStream ? withFirst(bytes) : undefined;
  }
  if (members?.some(([name, value]) => name === OPTIONS && value === ASKED)) return undefined;
  return withMoreOptions(text, bytes);
}

/** Where there are options already, or what only a parser understands. */
function withMoreOptions(text: string, bytes: Buffer): Uint8Array | undefined {
  const request = fieldsIn(parsedJson(text));
  if (request?.["stream"] !== true) return undefined;
  const options = request[OPTIONS];
  if (options === undefined) return withFirst(bytes);
  if (!isFields(options) || options["include_usage"] === true) return undefined;
  try {
    return withOptions(text, options);
  } catch {
    // Nested so deeply that it can be read and not be written.
    return undefined;
  }
}

/** Every byte stays as it was, behind one more member. */
function withFirst(bytes: Buffer): Uint8Array | undefined {
  const open = bytes.indexOf(OPEN_BRACE);
  let next = open + 1;
  while ((bytes[next] ?? QUOTE) <= SPACE) next += 1;
  if (open < 0 || bytes[next] === CLOSE_BRACE) return undefined;
  return Buffer.concat([bytes.subarray(0, open + 1), ASK_FIRST, bytes.subarray(open + 1)]);
}

/** The options that are there, with the wish; where they stand twice nobody knows which of them count. */
function withOptions(text: string, options: Fields): Uint8Array | undefined {
  const found = [...text.matchAll(/"stream_options"\s*:\s*(\{[^{}]*\})/g)];
  const [only] = found;
  if (found.length !== 1 || !only?.[1] || !isSame(only[1], options)) return undefined;
  const start = only.index + only[0].length - only[1].length;
  const wish = JSON.stringify({ ...options, include_usage: true });
  return Buffer.from(text.slice(0, start) + wish + text.slice(start + only[1].length));
}

const isSame = (text: string, value: Fields): boolean =>
  JSON.stringify(parsedJson(text)) === JSON.stringify(value);
