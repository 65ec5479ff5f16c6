/** A body that comes in the given pieces. */
export async function* bodyOf(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === "string" ? Buffer.from(piece) : piece;
}

/** Everything that a body holds, as text. */
export async function textOf(
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined,
): Promise<string> {
  return (await bytesOf(body)).toString();
}

/** Everything that a body holds. */
export async function bytesOf(
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined,
): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
