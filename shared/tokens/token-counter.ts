import { existsSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Cancel, Clock } from "../core/clock.ts";
import type { CountTask, TokenCount } from "./count-tokens.ts";

interface Waiting {
  readonly task: CountTask;
  readonly bytes: number;
  resolve(count: TokenCount | undefined): void;
}

/** One for each task; nothing for those of a thread that ended. */
type Counts = readonly (TokenCount | undefined)[];

const MAX_WAITING = 1000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
// A message between threads costs the one that serves more than most texts cost the one that counts.
const GATHERING_MS = 100;
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 256 * 1024;
const BATCH_LIMIT_MS = 20_000;
// The tables of an encoding take some megabytes: they are let go when nothing was counted for a while.
const IDLE_MS = 120_000;
// Of what is counted nothing is kept: a larger young generation would only fill with it.
const LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 };
// As built, beside the app's own file; in the sources, beside this one.
const BUILT = join(import.meta.dirname, "count-tokens.worker.cjs");
const SOURCE = join(import.meta.dirname, "count-tokens.worker.ts");

/**
 * Counts tokens in a thread of its own, so that nobody who is served waits for it: what comes within a
 * moment goes there in one message. What comes faster than it is counted is dropped, and counted as such.
 * Scope: per instance.
 */
export class TokenCounter {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #current: readonly Waiting[] = [];
  #isGathering = false;
  #worker: Worker | undefined;
  #cancelTimer: Cancel = () => {};
  #dropped = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Texts that nobody counted: there were too many, or one took too long. */
  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    return this.#waiting.length + this.#current.length;
  }

  /** Resolves with undefined where nothing could be counted. */
  count(task: CountTask): Promise<TokenCount | undefined> {
    const bytes = (task.body?.byteLength ?? 0) + task.text.length;
    const isFull =
      this.#waiting.length >= MAX_WAITING || this.#waitingBytes + bytes > MAX_WAITING_BYTES;
    if (isFull || this.#isClosed) {
      this.#dropped += 1;
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ task, bytes, resolve });
      this.#waitingBytes += bytes;
      this.#gather();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
    await this.#stop();
  }

  #gather(): void {
    if (this.#isGathering || this.#current.length > 0) return;
    this.#isGathering = true;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.schedule(GATHERING_MS, () => this.#send());
  }

  #send(): void {
    this.#isGathering = false;
    this.#current = this.#takeBatch();
    this.#cancelTimer = this.#clock.schedule(BATCH_LIMIT_MS, () => void this.#stop());
    this.#started().postMessage(this.#current.map(({ task }) => task));
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    const last = this.#waiting.findIndex((waiting, at) => {
      bytes += waiting.bytes;
      return at > 0 && (at >= MAX_BATCH || bytes > MAX_BATCH_BYTES);
    });
    const batch = this.#waiting.splice(0, last < 0 ? this.#waiting.length : last);
    for (const waiting of batch) this.#waitingBytes -= waiting.bytes;
    return batch;
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(existsSync(BUILT) ? BUILT : SOURCE, {
      resourceLimits: LIMITS,
    });
    // What is counted in the background keeps no process alive.
    worker.unref();
    worker.on("message", (counts: Counts) => this.#done(worker, counts));
    worker.on("error", () => {});
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#done(worker, []);
    });
    this.#worker = worker;
    return worker;
  }

  #done(worker: Worker, counts: Counts): void {
    const isOld = this.#worker !== undefined && this.#worker !== worker;
    const current = this.#current;
    if (isOld || current.length === 0) return;
    this.#current = [];
    this.#cancelTimer();
    for (const [at, { resolve }] of current.entries()) {
      const count = counts[at];
      if (count === undefined) this.#dropped += 1;
      resolve(count);
    }
    if (this.#isClosed) return;
    // Who waits by now has waited long enough.
    if (this.#waiting.length > 0) this.#send();
    else this.#cancelTimer = this.#clock.schedule(IDLE_MS, () => void this.#stop());
  }

  async #stop(): Promise<void> {
    this.#cancelTimer();
    const worker = this.#worker;
    // What comes while it ends is for another.
    this.#worker = undefined;
    await worker?.terminate();
  }
}
