import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import { type Clock, delay } from "../core/clock.ts";
import { type ReplyEnvelope, readReplyEnvelope } from "./envelope.ts";
import type { ServiceBus } from "./service-bus.ts";
import { settleInTime } from "./settle-in-time.ts";

export interface ReplyInboxOptions {
  bus: ServiceBus;
  queue: string;
  /** The session that this instance reads: its own id. */
  sessionId: string;
  clock: Clock;
  onUnclaimed(reply: ReplyEnvelope): void;
  onLost(error: unknown): void;
}

interface Waiter {
  resolve(reply: ReplyEnvelope): void;
}

const RECONNECT_DELAY_MS = 250;
// The SDK would give each step of it a minute.
const ACCEPT_TIMEOUT_MS = 20_000;
const MAX_CONCURRENT_REPLIES = 64;
// Well within the queue's lock of a minute. The SDK renews session locks by itself only with peekLock.
const LOCK_RENEWAL_MS = 15_000;

/**
 * Brings the replies for the requests that this instance holds open. It owns one session of the
 * reply queue for as long as the instance lives. Scope: per instance.
 */
export class ReplyInbox {
  readonly #options: ReplyInboxOptions;
  readonly #waiters = new Map<string, Waiter>();
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: ReplyInboxOptions) {
    this.#options = options;
  }

  get sessionId(): string {
    return this.#options.sessionId;
  }

  /** How many requests wait for their reply. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Whether this instance holds the request's connection and its client has left. */
  hasLeft(sessionId: string, requestId: string): boolean {
    return sessionId === this.sessionId && !this.#waiters.has(requestId);
  }

  /** Waits for the reply to a request; rejects with the signal's reason when that aborts first. */
  expect(requestId: string, signal: AbortSignal): Promise<ReplyEnvelope> {
    this.#running ??= this.#run();
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        this.#waiters.delete(requestId);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.set(requestId, {
        resolve(reply) {
          signal.removeEventListener("abort", onAbort);
          resolve(reply);
        },
      });
    });
  }

  async close(): Promise<void> {
    this.#stopped.abort(new Error("The reply inbox is closed."));
    if (this.#running !== undefined) await settleInTime(this.#running);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#receive(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onLost(error);
        await delay(this.#options.clock, RECONNECT_DELAY_MS, signal).catch(() => {});
      }
    }
  }

  /** Reads the session until it is lost (rejects) or the inbox is closed (resolves). */
  async #receive(signal: AbortSignal): Promise<void> {
    const { bus, queue, sessionId } = this.#options;
    const client = await bus.client();
    const receiver = await client.acceptSession(queue, sessionId, {
      // A reply serves one open connection; if this process dies, the connection dies with it.
      receiveMode: "receiveAndDelete",
      abortSignal: AbortSignal.any([signal, AbortSignal.timeout(ACCEPT_TIMEOUT_MS)]),
    });
    try {
      await this.#subscribe(receiver, signal);
    } finally {
      await settleInTime(receiver.close());
    }
  }

  async #subscribe(receiver: ServiceBusSessionReceiver, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    try {
      await Promise.race([
        this.#listen(receiver, AbortSignal.any([signal, ended.signal])),
        this.#keepLocked(receiver, AbortSignal.any([signal, ended.signal])),
      ]);
    } finally {
      ended.abort();
    }
  }

  async #keepLocked(receiver: ServiceBusSessionReceiver, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(this.#options.clock, LOCK_RENEWAL_MS, signal).catch(() => {});
      if (!signal.aborted) await receiver.renewSessionLock();
    }
  }

  #listen(receiver: ServiceBusSessionReceiver, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      receiver.subscribe(
        {
          processMessage: async (message) => this.#deliver(message),
          // Whatever its source: of a link that is gone the SDK tells as if a callback had failed.
          processError: async ({ error }) => reject(error),
        },
        { maxConcurrentCalls: MAX_CONCURRENT_REPLIES },
      );
    });
  }

  /** A reply that cannot be read is gone, and no reason to lose those that come behind it. */
  #deliver(message: ServiceBusReceivedMessage): void {
    try {
      this.#hand(readReplyEnvelope(message.body));
    } catch (error) {
      this.#options.onLost(error);
    }
  }

  #hand(reply: ReplyEnvelope): void {
    const waiter = this.#waiters.get(reply.requestId);
    if (!waiter) {
      this.#options.onUnclaimed(reply);
      return;
    }
    this.#waiters.delete(reply.requestId);
    waiter.resolve(reply);
  }
}
