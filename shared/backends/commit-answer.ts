import type { ByteQueue } from "../core/byte-queue.ts";
import { type HeaderList, withoutHeaders, withoutHopByHop } from "../core/headers.ts";
import { refusalIn } from "./answer-error.ts";
import {
  formOf,
  hasEndOfItsOwn,
  hasUnknownCoding,
  isArray,
  isEventStream,
  isPlainJson,
  isSuccess,
  unknownCoding,
} from "./answer-kind.ts";
import type { BackendAnswer, BackendCall } from "./backend-client.ts";
import { BackendFailure } from "./backend-failure.ts";
import { ClosedJson } from "./closed-json.ts";
import { committedStream } from "./committed-stream.ts";
import type { AnswerHead, Exchange } from "./exchange.ts";
import { keepUpTo, keepWhole, type WholeBody } from "./whole-body.ts";

/**
 * A request that its backend has not seen is sent once more, on a fresh connection to the same host: it
 * says nothing of the backend that a connection which it kept open for long ended just now.
 */
export async function commitAnswer(
  call: BackendCall,
  start: (isFresh: boolean) => Exchange,
): Promise<BackendAnswer> {
  let exchange = start(false);
  let head: AnswerHead;
  try {
    head = await exchange.head;
  } catch (error) {
    if (!(error instanceof BackendFailure) || !error.unseenBy) throw error;
    call.onResent?.(error.unseenBy);
    exchange = start(true);
    head = await exchange.head;
  }
  const { status, headers } = head;
  try {
    if (hasUnknownCoding(headers)) throw unknownCoding();
    const isWatched = call.method !== "HEAD" && isEventStream(status, headers);
    const source = sourceOf(exchange, head);
    const stream = isWatched
      ? await committedStream(exchange.body, call.rewrite, () => exchange.ending())
      : undefined;
    const committed = stream ?? source;
    // Headers reach the client with the first bytes, so until those are in another backend can take over.
    if (!isWatched && isSuccess(status)) await begun(exchange, call);
    exchange.commit();
    call.onBegun?.();
    const kept = await keepAsAsked(committed, { status, headers }, call);
    const refusal = stream ? stream.refusal : refusalOf(kept, status, call);
    return {
      status,
      headers: status === 205 ? withoutLength(headers) : headers,
      body: kept?.body ?? committed,
      protocol: () => stream?.protocol,
      refusal,
      whole: exchange.trailers.length === 0 ? kept?.bytes : undefined,
      trailers: () => withoutLength(withoutHopByHop(exchange.trailers)),
      discard() {
        exchange.discard();
        kept?.discard();
      },
    };
  } catch (error) {
    exchange.discard();
    throw error;
  }
}

/** The answer's bytes; those of JSON end with an error where the text does not. */
function sourceOf({ body }: Exchange, { status, headers }: AnswerHead): ByteQueue | ClosedJson {
  const hasCertainEnd = hasEndOfItsOwn(headers);
  const isFollowed = (isSuccess(status) || !hasCertainEnd) && isPlainJson(status, headers);
  return isFollowed ? new ClosedJson(body, { hasCertainEnd }) : body;
}

async function begun({ body }: Exchange, call: BackendCall): Promise<void> {
  await body.begun();
  if (!body.isEmpty || !call.asksModel?.()) return;
  throw new BackendFailure("truncated", "The answer is empty.", { mayHaveBegun: true });
}

function refusalOf(
  kept: WholeBody | undefined,
  status: number,
  call: BackendCall,
): string | undefined {
  if (!kept?.bytes || !isSuccess(status) || !call.asksModel?.()) return undefined;
  return refusalIn(kept.bytes);
}

function keepAsAsked(
  body: AsyncIterable<Uint8Array>,
  { status, headers }: AnswerHead,
  { method, whole, wholeBytes: maxBytes = 0 }: BackendCall,
): Promise<WholeBody> | undefined {
  if (whole) return keepWhole(body);
  if (method === "HEAD" || !isSuccess(status)) return undefined;
  const form = formOf(headers);
  if (form === "streamed" || maxBytes < (form === "json" ? 1 : form.bytes)) return undefined;
  const isStreamed = form === "json" ? isArray : undefined;
  return keepUpTo(body[Symbol.asyncIterator](), { maxBytes, isStreamed });
}

// A 205 has no body (RFC 9110, section 15.3.6); a length that promises one would leave the client waiting.
const withoutLength = (headers: HeaderList): HeaderList =>
  withoutHeaders(headers, (name) => name === "content-length");
