import { type Cancel, type Clock, delay } from "../../../shared/core/clock.ts";
import { RunningWork } from "../invocation/running-work.ts";
import { decodeMessage, type MessageEncoding } from "./message-encoding.ts";
import type { QueueMessage, StorageQueue } from "./storage-queue.ts";

export interface StorageQueueListenerOptions {
  open(): Promise<{ queue: StorageQueue; poison: StorageQueue }>;
  clock: Clock;
  batchSize: number;
  newBatchThreshold: number;
  maxDequeueCount: number;
  /** Delay before a failed message is visible again. */
  visibilityTimeoutMs: number;
  maxPollingIntervalMs: number;
  messageEncoding: MessageEncoding;
  /** Runs the function; rejects when it failed. */
  invoke(message: QueueMessage, body: Buffer): Promise<unknown>;
  report(problem: string): void;
}

// https://github.com/Azure/azure-webjobs-sdk: a message is hidden this long, and again, while it runs.
const RUN_VISIBILITY_MS = 600_000;
const MIN_POLLING_INTERVAL_MS = 100;

/** Polls a storage queue, faster while it has messages. Scope: one function. */
export class StorageQueueListener {
  readonly #options: StorageQueueListenerOptions;
  readonly #running: RunningWork;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  constructor(options: StorageQueueListenerOptions) {
    this.#options = options;
    this.#running = new RunningWork(options.clock);
  }

  start(): void {
    this.#loop = this.#poll().catch(() => {});
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running.ended(graceMs);
    await this.#loop;
  }

  async #poll(): Promise<void> {
    const { clock, batchSize, newBatchThreshold, maxPollingIntervalMs } = this.#options;
    const { signal } = this.#stopping;
    let intervalMs = MIN_POLLING_INTERVAL_MS;
    while (!signal.aborted) {
      const messages = await this.#receive(batchSize);
      for (const message of messages) this.#track(this.#process(message));
      while (this.#running.count > newBatchThreshold && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (messages.length > 0) {
        intervalMs = MIN_POLLING_INTERVAL_MS;
        continue;
      }
      await delay(clock, intervalMs, signal).catch(() => {});
      intervalMs = Math.min(intervalMs * 2, maxPollingIntervalMs);
    }
  }

  // The count goes down first, or the loop would wake, find it too high, and sleep on.
  #track(work: Promise<void>): void {
    this.#running.track(work);
    work.then(
      () => this.#wake(),
      () => this.#wake(),
    );
  }

  async #receive(batchSize: number): Promise<QueueMessage[]> {
    try {
      const { queue } = await this.#options.open();
      return await queue.receive(batchSize, RUN_VISIBILITY_MS);
    } catch (error) {
      this.#options.report(`cannot receive: ${(error as Error).message}`);
      return [];
    }
  }

  async #process(message: QueueMessage): Promise<void> {
    const { messageEncoding, maxDequeueCount, invoke, report, open, visibilityTimeoutMs } =
      this.#options;
    const { queue, poison } = await open();
    try {
      const body = decodeMessage(message.messageText, messageEncoding);
      if (!body) report(`message ${message.messageId} is not base64: moved to the poison queue`);
      if (!body || message.dequeueCount > maxDequeueCount)
        return await move(message, queue, poison);
      const stopRenewal = this.#keepHidden(queue, message);
      const isDone = await invoke(message, body).then(
        () => true,
        () => false,
      );
      stopRenewal();
      if (isDone) return await queue.delete(message);
      if (message.dequeueCount < maxDequeueCount) {
        await queue.hide(message, visibilityTimeoutMs);
        return;
      }
      report(
        `message ${message.messageId} failed ${maxDequeueCount} times: moved to the poison queue`,
      );
      await move(message, queue, poison);
    } catch (error) {
      report(
        `message ${message.messageId} could not be settled, it will return: ${(error as Error).message}`,
      );
    }
  }

  #keepHidden(queue: StorageQueue, message: QueueMessage): Cancel {
    const { clock, report } = this.#options;
    let cancel: Cancel = () => {};
    let isOver = false;
    const arm = (): void => {
      cancel = clock.schedule(RUN_VISIBILITY_MS / 2, () => {
        queue.hide(message, RUN_VISIBILITY_MS).then(
          (popReceipt) => {
            message.popReceipt = popReceipt;
            if (!isOver) arm();
          },
          (error: unknown) => report(`message ${message.messageId}: ${(error as Error).message}`),
        );
      });
    };
    arm();
    return () => {
      isOver = true;
      cancel();
    };
  }
}

// First the copy, then the delete: a crash in between leaves two messages, never none.
async function move(
  message: QueueMessage,
  queue: StorageQueue,
  poison: StorageQueue,
): Promise<void> {
  await poison.send(message.messageText);
  await queue.delete(message);
}
