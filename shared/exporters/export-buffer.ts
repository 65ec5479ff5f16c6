import type { Cancel, Clock } from "../core/clock.ts";
import { untilAborted } from "../core/until-aborted.ts";

/** Why records were given up: there was no room, or whoever takes them did not. */
export type LossReason = "full" | "failed" | "late";

export interface ExportBufferOptions<Item> {
  readonly clock: Clock;
  /** So many wait; what comes then is dropped. */
  readonly capacity: number;
  /** So many are sent at once. */
  readonly batch: number;
  /** How long one waits for others. */
  readonly delayMs: number;
  /** How long one sending may take. */
  readonly timeoutMs: number;
  send(items: readonly Item[], signal: AbortSignal): Promise<void>;
  /** Told of all that was given up. */
  onLoss(reason: LossReason, count: number): void;
}

/**
 * Holds what is to be sent elsewhere, and sends it in batches, one after the other. Taking an item is an
 * addition to a list: a receiver that is slow or dead costs those who add nothing, but the newest items
 * are lost once the buffer is full. Scope: per instance.
 */
export class ExportBuffer<Item> {
  readonly #options: ExportBufferOptions<Item>;
  #items: Item[] = [];
  #cancelTimer: Cancel | undefined;
  #sending: Promise<void> | undefined;
  #call = new AbortController();
  #isClosed = false;

  constructor(options: ExportBufferOptions<Item>) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    const { capacity, batch, delayMs, clock, onLoss } = this.#options;
    if (this.#isClosed || this.#items.length >= capacity) {
      onLoss("full", 1);
      return;
    }
    this.#items.push(item);
    if (this.#sending !== undefined) return;
    if (this.#items.length >= batch) this.#sendAll();
    else this.#cancelTimer ??= clock.schedule(delayMs, () => this.#sendAll());
  }

  /** Sends what is left, for as long as it may; what is left then is lost, and counted. */
  async close(withinMs: number): Promise<void> {
    const { clock, onLoss } = this.#options;
    this.#isClosed = true;
    const cancel = clock.schedule(withinMs, () => {
      const left = this.#items.length;
      this.#items = [];
      if (left > 0) onLoss("late", left);
      this.#call.abort(new Error("The instance ends."));
    });
    this.#sendAll();
    await this.#sending;
    cancel();
  }

  #sendAll(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
      if (this.#items.length > 0) this.#sendAll();
    });
  }

  async #drain(): Promise<void> {
    while (this.#items.length > 0)
      await this.#sendBatch(this.#items.splice(0, this.#options.batch));
  }

  async #sendBatch(items: readonly Item[]): Promise<void> {
    const { clock, timeoutMs, send, onLoss } = this.#options;
    const call = new AbortController();
    this.#call = call;
    const cancel = clock.schedule(timeoutMs, () => call.abort(new Error("It took too long.")));
    try {
      // Who does not heed the signal is not waited for either.
      await untilAborted(send(items, call.signal), call.signal);
    } catch {
      onLoss("failed", items.length);
    } finally {
      cancel();
    }
  }
}
