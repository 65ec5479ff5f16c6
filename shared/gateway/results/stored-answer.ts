import { BackendFailure, SpoolError, storeBody } from "../../backends/index.ts";
import { TooManyBytesError } from "../../core/bytes.ts";
import { contentCodings } from "../../core/content-codings.ts";
import { GatewayError } from "../../core/errors.ts";
import { type Fields, fieldsIn } from "../../core/fields.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import type { RequestBody } from "../../core/http.ts";
import { parsedJson } from "../../core/parsed-json.ts";
import { decodedText } from "../calls/decoded-text.ts";
import { takeAnswer } from "../calls/take-answer.ts";
import type { OpenAnswer } from "./open-answer.ts";

/** An answer that is there whole, with the members that say what kind of answer it is. */
export interface StoredAnswer {
  readonly answer: OpenAnswer;
  /** Members of its JSON object; empty for anything else. */
  readonly fields: Fields;
}

const MEMBERS: ReadonlySet<string> = new Set(["id", "object", "status", "background"]);
const MAX_BYTES = 1024 * 1024 * 1024;
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** Takes an answer to its last byte, so that it can be looked at before it is kept. */
export async function storeAnswer(answer: OpenAnswer, signal: AbortSignal): Promise<StoredAnswer> {
  const isJson = isJsonType(answer.headers);
  const memberNames = isJson ? MEMBERS : undefined;
  const stored = await takeAnswer(answer, signal, (body) =>
    storeBody(body, { maxBytes: MAX_BYTES, memberNames }),
  ).catch((error: unknown) => Promise.reject(asFailure(error)));
  return {
    answer: { ...answer, body: bytesOf(stored), discard: () => close(stored) },
    fields: isJson ? fieldsOf(stored, contentCodings(answer.headers)) : {},
  };
}

const isJsonType = (headers: HeaderList): boolean =>
  /\bjson\b/i.test(headerValue(headers, "content-type") ?? "");

function asFailure(error: unknown): unknown {
  if (error instanceof SpoolError) {
    return new GatewayError("internal", "The answer could not be kept.", { cause: error });
  }
  if (!(error instanceof TooManyBytesError)) return error;
  return new BackendFailure("protocol", error.message, { mayHaveBegun: true, cause: error });
}

async function* bytesOf(stored: RequestBody): AsyncGenerator<Uint8Array> {
  if (stored instanceof Uint8Array) {
    if (stored.byteLength > 0) yield stored;
    return;
  }
  try {
    yield* stored.read();
  } finally {
    stored.close();
  }
}

function close(stored: RequestBody): void {
  if (!(stored instanceof Uint8Array)) stored.close();
}

function fieldsOf(stored: RequestBody, codings: readonly string[]): Fields {
  if (!(stored instanceof Uint8Array)) {
    return Object.fromEntries(stored.members.map(({ name, text }) => [name, parsedJson(text)]));
  }
  return fieldsIn(parsedJson(decodedText(stored, codings, MAX_TEXT_BYTES))) ?? {};
}
