import { contentCodings } from "../core/content-codings.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import { isPlainEventStream } from "../core/plain-event-stream.ts";
import { remembered } from "../core/remembered.ts";
import { BackendFailure } from "./backend-failure.ts";

/** How an answer comes: one whose length is known has been made already, and so has an object in JSON. */
export function formOf(headers: HeaderList): "streamed" | "json" | { readonly bytes: number } {
  const { isJson, isStream } = mediaOf(headers);
  if (isStream) return "streamed";
  const length = headerValue(headers, "content-length");
  if (length !== undefined) return { bytes: Number(length) };
  return isJson ? "json" : "streamed";
}

const PARTIAL_CONTENT = 206;

/** JSON that can be followed as it passes, from its beginning to its end. */
export function isPlainJson(status: number, headers: HeaderList): boolean {
  const { isJson, hasOtherCharset } = mediaOf(headers);
  const isWhole = status !== PARTIAL_CONTENT;
  return isJson && isWhole && !hasOtherCharset && contentCodings(headers).length === 0;
}

const JSON_TYPE = /^\s*application\/([\w.-]+\+)?json\s*(;|$)/i;
const EVENT_STREAM = /^\s*text\/event-stream\b/i;
// Of other character sets some bytes look like signs of JSON.
const OTHER_CHARSET = /;\s*charset\s*=\s*"?(?!utf-?8|us-ascii|iso-8859)/i;

/** Asked of each answer several times, and nearly all have one of a few types. */
const mediaOfType = remembered((type) => ({
  isJson: JSON_TYPE.test(type),
  isStream: EVENT_STREAM.test(type),
  hasOtherCharset: OTHER_CHARSET.test(type),
}));

const mediaOf = (headers: HeaderList): ReturnType<typeof mediaOfType> =>
  mediaOfType(headerValue(headers, "content-type") ?? "");

/** Whether more than the end of its connection tells where an answer ends. */
export const hasEndOfItsOwn = (headers: HeaderList): boolean =>
  headerValue(headers, "content-length") !== undefined ||
  /chunked/i.test(headerValue(headers, "transfer-encoding") ?? "");

/** Chunks are taken off on the way, and the field with them: another coding would stay, and nobody know of it. */
export const hasUnknownCoding = (headers: HeaderList): boolean => {
  const coding = headerValue(headers, "transfer-encoding");
  return coding !== undefined && !/^\s*(chunked|identity)\s*$/i.test(coding);
};

/** How that is told. */
export const unknownCoding = (): BackendFailure =>
  new BackendFailure("protocol", "The answer has a transfer coding that nobody asked for.", {
    mayHaveBegun: true,
  });

const OPEN_BRACKET = 0x5b;

/** Some models stream their answer as an array that grows; nobody gives a whole one in that form. */
export const isArray = (bytes: Uint8Array): boolean => bytes[0] === OPEN_BRACKET;

/** Whether a status tells of success. */
export const isSuccess = (status: number): boolean => status >= 200 && status <= 299;

/** Streams that can be looked into: compressed ones pass unread, and errors speak by their status. */
export function isEventStream(status: number, headers: HeaderList): boolean {
  if (!isSuccess(status) || status === 204 || status === 205) return false;
  return isPlainEventStream(headers);
}
