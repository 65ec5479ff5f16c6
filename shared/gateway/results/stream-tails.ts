import { type Clock, delay } from "../../core/clock.ts";
import type { JobOutcome, JobStore } from "../../jobs/index.ts";
import type { BlobContainer } from "../../storage/index.ts";
import type { JobStream, JobStreams } from "./job-streams.ts";

// While a stream flows its blob is asked this often, for all its readers together; less and less when
// nothing comes.
const FIRST_POLL_MS = 100;
const MAX_POLL_MS = 1000;
const POLL_GROWTH = 1.5;
// Rows change seldom: a new attempt, the end.
const ROWS_EVERY_MS = 500;

/** What is known of a job's stream at a moment. */
export interface TailView {
  /** Grows with every change. */
  readonly version: number;
  /** The stream to follow; undefined while there is none. */
  readonly stream: JobStream | undefined;
  readonly sizeBytes: number;
  readonly outcome: JobOutcome | undefined;
}

export interface StreamTailsOptions {
  readonly store: Pick<JobStore, "read" | "hasEnded">;
  readonly streams: Pick<JobStreams, "newest">;
  readonly own: Pick<BlobContainer, "sizeOf">;
  readonly clock: Clock;
}

/** Watches the streams that somebody reads, each once for all its readers. Scope: per instance. */
export class StreamTails {
  readonly #options: StreamTailsOptions;
  readonly #tails = new Map<string, StreamTail>();

  constructor(options: StreamTailsOptions) {
    this.#options = options;
  }

  /** How many streams are watched. */
  get size(): number {
    return this.#tails.size;
  }

  /** Watches a stream until the watch is disposed of. */
  watch(jobId: string): TailWatch {
    const tail = this.#tails.get(jobId) ?? new StreamTail(jobId, this.#options);
    this.#tails.set(jobId, tail);
    tail.join();
    return {
      changed: (since, withinMs, signal) => tail.changed(since, withinMs, signal),
      [Symbol.dispose]: () => {
        if (tail.leave()) this.#tails.delete(jobId);
      },
    };
  }
}

/** One reader's hold on a stream that is watched. */
export interface TailWatch extends Disposable {
  /** The view once it is newer than `since`; undefined when nothing came within the time. */
  changed(since: number, withinMs: number, signal: AbortSignal): Promise<TailView | undefined>;
}

/** One job's stream, watched. Scope: as long as it has readers in this instance. */
class StreamTail {
  readonly #jobId: string;
  readonly #options: StreamTailsOptions;
  #view: TailView = { version: 0, stream: undefined, sizeBytes: 0, outcome: undefined };
  #next = Promise.withResolvers<void>();
  #readers = 0;
  #rowsAt = Number.NEGATIVE_INFINITY;
  readonly #stop = new AbortController();

  constructor(jobId: string, options: StreamTailsOptions) {
    this.#jobId = jobId;
    this.#options = options;
  }

  join(): void {
    this.#readers += 1;
    if (this.#readers === 1) void this.#poll();
  }

  /** Returns true when that was the last reader. */
  leave(): boolean {
    this.#readers -= 1;
    if (this.#readers === 0) this.#stop.abort();
    return this.#readers === 0;
  }

  async changed(
    since: number,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<TailView | undefined> {
    if (this.#view.version > since) return this.#view;
    const over = new AbortController();
    const timeIsOver = delay(this.#options.clock, withinMs, AbortSignal.any([over.signal, signal]));
    try {
      await Promise.race([this.#next.promise, timeIsOver]);
    } finally {
      over.abort();
    }
    return this.#view.version > since ? this.#view : undefined;
  }

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    let pauseMs = FIRST_POLL_MS;
    while (!signal.aborted && !this.#view.outcome) {
      // A storage that is away for a moment ends no stream; its readers see that nothing comes.
      const hasChanged = await this.#look().catch(() => false);
      pauseMs = hasChanged ? FIRST_POLL_MS : Math.min(pauseMs * POLL_GROWTH, MAX_POLL_MS);
      await delay(clock, pauseMs, signal).catch(() => {});
    }
  }

  async #look(): Promise<boolean> {
    const { clock, own } = this.#options;
    const { stream, sizeBytes } = this.#view;
    const size = stream && (await own.sizeOf(stream.blob));
    if (size !== undefined && size > sizeBytes) return this.#show({ sizeBytes: size });
    if (clock.now() - this.#rowsAt < ROWS_EVERY_MS) return false;
    const hasChanged = await this.#readRows();
    this.#rowsAt = clock.now();
    return hasChanged;
  }

  async #readRows(): Promise<boolean> {
    const { store, streams } = this.#options;
    const hasEnded = await store.hasEnded(this.#jobId);
    const newest = await streams.newest(this.#jobId);
    if (hasEnded) {
      const outcome = (await store.read(this.#jobId))?.outcome;
      if (outcome) return this.#show(finalView(outcome, newest));
    }
    const isFirst = this.#view.version === 0;
    if (newest?.number === this.#view.stream?.number && !isFirst) return false;
    return this.#show({ stream: newest, sizeBytes: 0 });
  }

  #show(change: Partial<TailView>): true {
    this.#view = { ...this.#view, ...change, version: this.#view.version + 1 };
    this.#next.resolve();
    this.#next = Promise.withResolvers();
    return true;
  }
}

/** An outcome with a stream is that stream, though another attempt may have begun a newer one. */
function finalView(outcome: JobOutcome, newest: JobStream | undefined): Partial<TailView> {
  const { result, attempt } = outcome;
  if (result?.stream === undefined) return { outcome, stream: newest, sizeBytes: 0 };
  const stream = { number: result.stream, blob: result.blob, attempt };
  return { outcome, stream, sizeBytes: result.sizeBytes };
}
