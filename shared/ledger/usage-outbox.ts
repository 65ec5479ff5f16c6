import type { Cancel, Clock } from "../core/clock.ts";
import type { NewId } from "../core/domain.ts";
import type { UsageEvent } from "../usage/index.ts";
import { notedAt, toUsageMessages, type UsageMessage } from "./usage-message.ts";

export interface UsageOutboxOptions {
  /** Sends one message; what was sent before it failed to say so may be sent again. */
  send(message: string): Promise<void>;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Called when sending fails; it is tried again. */
  onProblem(error: unknown): void;
  /** Called with the number of events for which there was no room. */
  onDropped(events: number): void;
}

/** What has become of the events. */
export interface OutboxState {
  readonly waiting: number;
  readonly sent: number;
  readonly dropped: number;
  /** When the oldest of those that wait was noted; undefined where none does. */
  readonly oldestAt: number | undefined;
}

const MAX_WAITING_EVENTS = 20_000;
// A second's events at the most that an instance serves: more messages would only cost more.
const FLUSH_EVENTS = 5000;
const FLUSH_MS = 1000;
const MAX_RETRY_MS = 30_000;
const CLOSE_MS = 5000;

/**
 * Usage events on their way to the ledger's queue: many in a message, held while the queue is away, and
 * dropped, counted, when that takes too long. Taking one costs a push: it never slows traffic. Scope: per
 * instance.
 */
export class UsageOutbox {
  readonly #options: UsageOutboxOptions;
  #events: UsageEvent[] = [];
  /** Messages that were made and not yet sent: they keep their events together. */
  #messages: UsageMessage[] = [];
  #inMessages = 0;
  #sent = 0;
  #dropped = 0;
  #unreported = 0;
  #failures = 0;
  #timer: Cancel | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: UsageOutboxOptions) {
    this.#options = options;
  }

  get state(): OutboxState {
    const waiting = this.#events.length + this.#inMessages;
    const [message] = this.#messages;
    const [event] = this.#events;
    const oldestAt = message?.oldestAt ?? (event && notedAt(event));
    return { waiting, sent: this.#sent, dropped: this.#dropped, oldestAt };
  }

  take(event: UsageEvent): void {
    if (this.#events.length + this.#inMessages >= MAX_WAITING_EVENTS) {
      this.#dropped += 1;
      this.#unreported += 1;
      return;
    }
    this.#events.push(event);
    if (this.#events.length >= FLUSH_EVENTS && this.#failures === 0) this.#begin();
    else this.#wake(FLUSH_MS);
  }

  /** Sends what waits; resolves when it is sent, or when that has failed. */
  async flush(): Promise<void> {
    await this.#sending;
    this.#begin();
    await this.#sending;
  }

  /** Sends what waits for as long as an app that ends may take. */
  async close(): Promise<void> {
    const { clock, onDropped } = this.#options;
    const isOver = Promise.withResolvers<void>();
    const cancel = clock.schedule(CLOSE_MS, isOver.resolve);
    await Promise.race([this.flush(), isOver.promise]);
    cancel();
    this.#timer?.();
    const { waiting } = this.state;
    if (waiting + this.#unreported > 0) onDropped(waiting + this.#unreported);
  }

  #wake(afterMs: number): void {
    this.#timer ??= this.#options.clock.schedule(afterMs, () => {
      this.#timer = undefined;
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#sending !== undefined) return;
    this.#timer?.();
    this.#timer = undefined;
    this.#sending = this.#send().finally(() => {
      this.#sending = undefined;
      const isMore = this.#messages.length + this.#events.length > 0;
      if (isMore) this.#wake(Math.min(MAX_RETRY_MS, FLUSH_MS * 2 ** this.#failures));
    });
  }

  async #send(): Promise<void> {
    const { send, onProblem, onDropped } = this.#options;
    this.#pack();
    try {
      for (let next = this.#messages[0]; next; next = this.#messages[0]) {
        await send(next.text);
        this.#messages.shift();
        this.#inMessages -= next.eventCount;
        this.#sent += next.eventCount;
        this.#failures = 0;
      }
    } catch (error) {
      this.#failures += 1;
      onProblem(error);
    }
    if (this.#unreported > 0) onDropped(this.#unreported);
    this.#unreported = 0;
  }

  #pack(): void {
    const events = this.#events;
    this.#events = [];
    this.#inMessages += events.length;
    this.#messages.push(...toUsageMessages(events, this.#options.newId));
  }
}
