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

const MAX_WAITING = 1000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
const TASK_LIMIT_MS = 20_000;
// The tables of an encoding take some ten megabytes: they are let go when nothing was counted for a while.
const IDLE_MS = 120_000;
const MAX_HEAP_MB = 512;
// As built, beside the app's own file; in the sources, beside this one.
const BUILT = join(import.meta.dirname, "count-tokens.worker.cjs");
const SOURCE = join(import.meta.dirname, "count-tokens.worker.ts");

/**
 * Counts tokens in a thread of its own, one text after the other, so that nobody who is served waits for
 * it. What comes faster than it is counted is dropped, and counted as such. Scope: per instance.
 */
export class TokenCounter {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #current: Waiting | undefined;
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
    return this.#waiting.length + (this.#current ? 1 : 0);
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
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
    await this.#stop();
  }

  #next(): void {
    if (this.#current) return;
    const next = this.#waiting.shift();
    this.#cancelTimer();
    if (!next) {
      this.#cancelTimer = this.#clock.schedule(IDLE_MS, () => void this.#stop());
      return;
    }
    this.#waitingBytes -= next.bytes;
    this.#current = next;
    this.#cancelTimer = this.#clock.schedule(TASK_LIMIT_MS, () => void this.#stop());
    this.#started().postMessage(next.task);
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(existsSync(BUILT) ? BUILT : SOURCE, {
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    // What is counted in the background keeps no process alive.
    worker.unref();
    worker.on("message", (count: TokenCount | undefined) => this.#done(worker, count));
    worker.on("error", () => {});
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#done(worker, undefined);
    });
    this.#worker = worker;
    return worker;
  }

  #done(worker: Worker, count: TokenCount | undefined): void {
    const isOld = this.#worker !== undefined && this.#worker !== worker;
    const current = this.#current;
    if (isOld || !current) return;
    this.#current = undefined;
    if (count === undefined) this.#dropped += 1;
    current.resolve(count);
    if (!this.#isClosed) this.#next();
  }

  async #stop(): Promise<void> {
    this.#cancelTimer();
    await this.#worker?.terminate();
  }
}
