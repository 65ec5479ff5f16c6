import { committedStream } from "../../../shared/backends/committed-stream.ts";
import { BackendFailure, ContinuedStream } from "../../../shared/backends/index.ts";

function split(bytes: Buffer, points: readonly number[]): Buffer[] {
  const sorted = [0, ...points.map((point) => point % (bytes.length + 1)), bytes.length];
  sorted.sort((a, b) => a - b);
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

/** A byte of a text at which its stream may break. */
export const breakAt = (text: string, at: number): number => at % Buffer.byteLength(text);

/** A stream that comes in pieces, and breaks at a byte if it is told to. */
export async function* coming(text: string, points: readonly number[] = [], breaksAt?: number) {
  const bytes = Buffer.from(text);
  yield* split(breaksAt === undefined ? bytes : bytes.subarray(0, breaksAt), points);
  if (breaksAt === undefined) return undefined;
  throw new BackendFailure("truncated", "cut", { mayHaveBegun: true });
}

/**
 * What is delivered of a stream and of those that are to continue it, in turn; undefined where the first
 * breaks before anything of it is delivered, and is no stream to be continued.
 */
export async function deliveredOf(
  streams: readonly AsyncGenerator<Uint8Array, undefined>[],
  maxChars?: number,
) {
  const [first, ...others] = streams;
  if (!first) throw new Error("There is no stream.");
  const committed = await committedStream(first).catch(() => undefined);
  if (!committed) return undefined;
  const outcomes: string[] = [];
  const stream = new ContinuedStream({
    first: committed,
    async restart() {
      const next = others.shift();
      return next && (await committedStream(next).catch(() => undefined));
    },
    discard() {},
    onContinuation: (outcome) => void outcomes.push(outcome),
    ...(maxChars === undefined ? {} : { maxChars }),
  });
  const taken: Uint8Array[] = [];
  let error: unknown;
  try {
    for await (const chunk of stream) taken.push(chunk);
  } catch (thrown) {
    error = thrown;
  }
  return {
    bytes: Buffer.concat(taken),
    error,
    outcomes,
    asked: streams.length - 1 - others.length,
  };
}
