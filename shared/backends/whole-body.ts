import { BackendFailure } from "./backend-failure.ts";
import { SpoolFile } from "./spool-file.ts";

export interface WholeBodyOptions {
  /** What is held in memory; the rest goes to a temporary file. */
  readonly memoryBytes?: number;
  /** What is taken at all. */
  readonly maxBytes?: number;
  readonly folder?: string;
}

/** A body that is complete and can be read once. */
export interface WholeBody {
  readonly body: AsyncIterable<Uint8Array>;
  /** All of it, where it is short. */
  readonly bytes?: Uint8Array | undefined;
  discard(): void;
}

const MEMORY_BYTES = 4 * 1024 * 1024;
// The largest answer that a result can hold; a backend that sends more never ends.
const MAX_BYTES = 1024 * 1024 * 1024;

/** Reads a body to its end: into memory while it is small, then into a file that nobody else sees. */
export async function keepWhole(
  source: AsyncIterable<Uint8Array>,
  { maxBytes = MAX_BYTES, ...where }: WholeBodyOptions = {},
): Promise<WholeBody> {
  const kept = await keepUpTo(source[Symbol.asyncIterator](), { ...where, maxBytes });
  if (kept.isWhole) return kept;
  kept.discard();
  throw tooLarge(maxBytes);
}

export interface KeptBody extends WholeBody {
  /** Whether it is complete; else what is missing comes from its source, which may break. */
  readonly isWhole: boolean;
}

/** Reads a body to its end while it is no longer than `maxBytes`. What is longer is given on as it comes. */
export async function keepUpTo(
  source: AsyncIterator<Uint8Array>,
  { memoryBytes = MEMORY_BYTES, maxBytes, folder, isStreamed }: KeepOptions,
): Promise<KeptBody> {
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  let file: SpoolFile | undefined;
  try {
    for (;;) {
      const { done, value: chunk } = await source.next();
      if (done) break;
      const isGivenOn = totalBytes === 0 && isStreamed?.(chunk);
      totalBytes += chunk.byteLength;
      if (isGivenOn || totalBytes > maxBytes)
        return kept(chunks, { file, rest: { first: chunk, source } });
      if (totalBytes > memoryBytes) file ??= await SpoolFile.open(folder);
      if (file) await file.append(chunk);
      else chunks.push(chunk);
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
  return kept(chunks, { file, rest: undefined });
}

interface KeepOptions extends WholeBodyOptions {
  readonly maxBytes: number;
  /** Whether a body that begins like this is to be given on as it comes. */
  readonly isStreamed?: ((first: Uint8Array) => boolean) | undefined;
}

/** What came when enough was kept, and where more comes from. */
interface Rest {
  readonly first: Uint8Array;
  readonly source: AsyncIterator<Uint8Array>;
}

function kept(
  chunks: readonly Uint8Array[],
  { file, rest }: { file: SpoolFile | undefined; rest: Rest | undefined },
): KeptBody {
  return {
    isWhole: rest === undefined,
    bytes: file || rest ? undefined : inOnePiece(chunks),
    body: file || rest ? readBack(chunks, file, rest) : new Pieces(chunks),
    discard() {
      void file?.close();
      // Its own failure would tell nobody anything any more.
      void Promise.resolve(rest?.source.return?.()).catch(() => {});
    },
  };
}

// Up to here a copy costs less than to hand on piece by piece.
const MAX_JOINED_BYTES = 64 * 1024;

function inOnePiece(chunks: readonly Uint8Array[]): Uint8Array | undefined {
  const [first] = chunks;
  if (chunks.length < 2) return first;
  const totalBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return totalBytes > MAX_JOINED_BYTES ? undefined : Buffer.concat(chunks, totalBytes);
}

/** Nearly every body is one: a generator would await each of its pieces twice. Scope: one body. */
class Pieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #chunks: readonly Uint8Array[];
  #at = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const value = this.#chunks[this.#at++];
    return value ? { done: false, value } : { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#at = this.#chunks.length;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

async function* readBack(
  chunks: readonly Uint8Array[],
  file: SpoolFile | undefined,
  rest: Rest | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks;
    if (file) yield* file.read();
  } finally {
    await file?.close();
  }
  if (!rest) return;
  yield rest.first;
  for (;;) {
    const { done, value } = await rest.source.next();
    if (done) return;
    yield value;
  }
}

const tooLarge = (maxBytes: number): BackendFailure =>
  new BackendFailure("protocol", `The answer is larger than ${maxBytes} bytes.`, {
    mayHaveBegun: true,
  });
