import type { BackendAnswer, BackendCall } from "../../backends/index.ts";
import { AsyncSource } from "../../core/async-source.ts";
import type { EventPiece } from "../../core/event-bytes.ts";
import { headerValue, withoutHeaders } from "../../core/headers.ts";
import { isPlainEventStream } from "../../core/plain-event-stream.ts";
import { type Candidate, rewriteModelInBody, rewriteModelInTarget } from "../../routing/index.ts";
import { usageWishRefused } from "../../telemetry/index.ts";
import { WithoutUsageChunk, withoutNullUsage } from "../../usage/index.ts";
import type { Services } from "../services.ts";
import type { AttemptRequest } from "./attempt-backend.ts";
import { readsNothing } from "./call-usage.ts";
import { peekAnswer } from "./peek-answer.ts";
import { headersWithWish, isWishRefusal } from "./usage-wishes.ts";

/** An answer, and whether traces of the wish for usage are to be taken out of it. */
export interface WishedAnswer {
  readonly answer: BackendAnswer;
  readonly isEdited: boolean;
}

/** What a call is besides its request and its host. */
type CallMeans = Pick<
  BackendCall,
  "signal" | "limits" | "asksModel" | "onSent" | "onResent" | "onBegun" | "rewrite"
>;

const BAD_REQUEST = 400;

/** Calls a backend and asks for the usage of a stream besides, unless it refuses a request for that. */
export async function callWithWish(
  { backends, usage, emit }: Pick<Services, "backends" | "usage" | "emit">,
  request: AttemptRequest,
  { candidate, means }: { readonly candidate: Candidate; readonly means: CallMeans },
): Promise<WishedAnswer> {
  const plain = (): Promise<BackendAnswer> => backends.call(toCall(request, { candidate, means }));
  const { key, host, target } = candidate;
  // Nobody would read what is asked for.
  const isUnread = readsNothing(host.processor);
  const body = isUnread ? undefined : usage.wishes.bodyFor(key, { ...request, target });
  if (!body) return { answer: await plain(), isEdited: false };
  const wished = { ...request, headers: headersWithWish(request.headers) };
  const edited = { ...means, rewrite: withoutNullUsage };
  const answer = await backends.call(toCall(wished, { candidate, means: edited, body }));
  if (answer.status !== BAD_REQUEST) return { answer, isEdited: isEditable(answer) };
  const peeked = await peekAnswer(answer);
  if (!isWishRefusal(peeked.text)) return { answer: peeked.answer, isEdited: false };
  answer.discard();
  usage.wishes.refusedBy(key);
  emit(usageWishRefused(host.id));
  return { answer: await plain(), isEdited: false };
}

/** The answer as it would have been without the wish. */
export function withoutWish(answer: BackendAnswer): BackendAnswer {
  const { whole } = answer;
  return {
    ...answer,
    headers: withoutHeaders(answer.headers, (name) => name === "content-length"),
    body: new AsyncSource(() => editing(answer.body[Symbol.asyncIterator]())),
    whole: whole && editedWhole(whole),
  };
}

function editedWhole(bytes: Uint8Array): Uint8Array {
  const editor = new WithoutUsageChunk();
  return Buffer.concat([editor.push(bytes), editor.end()]);
}

/** What a backend compresses although it was told not to passes as it is. */
function isEditable({ status, headers }: BackendAnswer): boolean {
  return status < 300 && isPlainEventStream(headers);
}

// Not a generator: each piece of a stream passes here, and a generator would await it twice.
function editing(pieces: AsyncIterator<Uint8Array>): AsyncIterator<Uint8Array> {
  const editor = new WithoutUsageChunk();
  let isOver = false;
  const passed = (
    piece: EventPiece,
  ): IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>> => {
    const value = piece.done ? editor.end() : editor.push(piece.value, piece.events);
    isOver = piece.done === true;
    if (value.length > 0) return { done: false, value };
    return isOver ? { done: true, value: undefined } : pieces.next().then(passed);
  };
  return {
    next: () =>
      isOver ? Promise.resolve({ done: true, value: undefined }) : pieces.next().then(passed),
    return: async () => {
      isOver = true;
      await pieces.return?.();
      return { done: true, value: undefined };
    },
  };
}

interface Sending {
  readonly candidate: Candidate;
  readonly means: CallMeans;
  /** In place of the request's own. */
  readonly body?: Uint8Array;
}

/** The request as this backend is to see it, with its own body or the one in its place. */
function toCall(
  { method, headers, body: own, whole = false, wholeBytes = 0 }: AttemptRequest,
  { candidate: { host, target }, means, body: edited }: Sending,
): BackendCall {
  const body = edited ?? own;
  // One spread, and in front: V8 copies field by field, by name, what is spread behind others.
  const call = { ...means, host, method, headers, body, target, whole, wholeBytes };
  const named = host.model === undefined ? call : { ...call, ...renamed(call, host.model) };
  if (named.body === own) return named;
  return { ...named, headers: withoutHeaders(headers, isDigest) };
}

function renamed({ headers, body, target }: Renamed, model: string) {
  // What is compressed cannot be read without undoing what the client did.
  const isPlain = headerValue(headers, "content-encoding") === undefined;
  return {
    body: body && isPlain ? rewriteModelInBody(body, model) : body,
    target: rewriteModelInTarget(target, model),
  };
}

type Renamed = Pick<BackendCall, "headers" | "body" | "target">;

const isDigest = (name: string): boolean => name === "content-md5" || name === "content-digest";
