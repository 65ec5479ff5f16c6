import { inlineBody, inlineBytes, type MessageBody } from "./envelope.ts";

/** Where bodies go that are too large for a message. */
export interface BodyBlobs {
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Streams a body and returns its size in bytes. */
  writeStream(name: string, body: AsyncIterable<Uint8Array>): Promise<number>;
  read(name: string): Promise<Uint8Array>;
  /** Undefined when there is no such blob. */
  readStream(name: string): Promise<{ readonly body: AsyncIterable<Uint8Array> } | undefined>;
  remove(name: string): Promise<void>;
  removeAll(prefix: string): Promise<void>;
}

/** Puts bodies into messages, or into blobs that messages name. */
export interface ClaimCheck {
  /** `name` must be new for each body: a blob that is redelivered late must still be the right one. */
  pack(name: string, bytes: Uint8Array | undefined): Promise<MessageBody | undefined>;
  /** As `pack`, for a body that is still arriving: no more of it than fits a message is held. */
  packStream(name: string, body: AsyncIterable<Uint8Array>): Promise<MessageBody | undefined>;
  unpack(body: MessageBody | undefined): Promise<Uint8Array | undefined>;
  /** As `unpack`, piece by piece: for bodies that are only passed on. */
  open(body: MessageBody | undefined): AsyncIterable<Uint8Array>;
  /** Removes what `pack` left behind; for bodies that nobody can ask for any more. */
  discard(body: MessageBody | undefined): Promise<void>;
  /** Removes whatever is left under a name's beginning. */
  discardAll(prefix: string): Promise<void>;
}

/** A claim check with bodies up to `inlineLimitBytes` inside the message. */
export function createClaimCheck(blobs: BodyBlobs, inlineLimitBytes: number): ClaimCheck {
  const pack: ClaimCheck["pack"] = async (name, bytes) => {
    if (bytes === undefined || bytes.byteLength === 0) return undefined;
    const body = bytes.byteLength <= inlineLimitBytes ? inlineBody(bytes) : undefined;
    if (body && fitsMessage(body, inlineLimitBytes)) return body;
    await blobs.write(name, bytes);
    return { blob: name, sizeBytes: bytes.byteLength };
  };
  return {
    pack,
    async packStream(name, body) {
      const { head, rest } = await readHead(body, inlineLimitBytes);
      if (!rest) return pack(name, head);
      return { blob: name, sizeBytes: await blobs.writeStream(name, joined(head, rest)) };
    },
    async unpack(body) {
      if (body === undefined) return undefined;
      return "blob" in body ? blobs.read(body.blob) : inlineBytes(body);
    },
    async *open(body) {
      if (body === undefined) return;
      const bytes = "blob" in body ? undefined : inlineBytes(body);
      if (bytes) yield bytes;
      if (!("blob" in body)) return;
      const content = await blobs.readStream(body.blob);
      if (!content) throw new Error("The blob of a body is gone.");
      yield* content.body;
    },
    async discard(body) {
      if (body && "blob" in body) await blobs.remove(body.blob);
    },
    discardAll: (prefix) => blobs.removeAll(prefix),
  };
}

// Control characters grow sixfold in JSON, so it is the text as sent that has to fit; a message has
// room for half as much again beside the limit, for headers and names.
function fitsMessage(body: MessageBody, inlineLimitBytes: number): boolean {
  return Buffer.byteLength(JSON.stringify(body)) <= 1.4 * inlineLimitBytes;
}

/** The first bytes of a body, and an iterator over the rest when there is more than the limit. */
async function readHead(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<{ head: Uint8Array; rest: AsyncIterator<Uint8Array> | undefined }> {
  const iterator = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  while (totalBytes <= limitBytes) {
    const { done, value } = await iterator.next();
    if (done) return { head: Buffer.concat(chunks), rest: undefined };
    chunks.push(value);
    totalBytes += value.byteLength;
  }
  return { head: Buffer.concat(chunks), rest: iterator };
}

async function* joined(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
