/** Raised by {@link collectBytes} when a body exceeds its limit. */
export class TooManyBytesError extends Error {
  override readonly name = "TooManyBytesError";
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super(`The body is larger than ${limitBytes} bytes.`);
    this.limitBytes = limitBytes;
  }
}

/** Reads a body to its end, holding at most `limitBytes`; copies nothing when it came in one piece. */
export async function collectBytes(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  for await (const chunk of body) {
    totalBytes += chunk.byteLength;
    if (totalBytes > limitBytes) throw new TooManyBytesError(limitBytes);
    chunks.push(chunk);
  }
  const [first] = chunks;
  return chunks.length === 1 && first ? first : Buffer.concat(chunks, totalBytes);
}

/** The same memory as a buffer: nothing is copied. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
