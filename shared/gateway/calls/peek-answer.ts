import type { BackendAnswer } from "../../backends/index.ts";
import { contentCodings } from "../../core/content-codings.ts";
import { decodedText } from "./decoded-text.ts";

// Refusals are short; what is longer is not one.
const MAX_BYTES = 65_536;

/** Reads a short answer's text. What is returned with it gives the same bytes again. */
export async function peekAnswer(
  answer: BackendAnswer,
): Promise<{ readonly text: string; readonly answer: BackendAnswer }> {
  const pieces = answer.body[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let bytes = 0;
  let isOver = false;
  while (!isOver && bytes <= MAX_BYTES) {
    const piece = await pieces.next();
    isOver = piece.done === true;
    if (piece.done) break;
    read.push(piece.value);
    bytes += piece.value.byteLength;
  }
  const text = isOver
    ? decodedText(Buffer.concat(read), contentCodings(answer.headers), MAX_BYTES)
    : "";
  return { text, answer: { ...answer, body: again(read, pieces) } };
}

async function* again(
  read: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* read;
  for (;;) {
    const piece = await rest.next();
    if (piece.done) return;
    yield piece.value;
  }
}
