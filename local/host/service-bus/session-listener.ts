import { type Cancel, delay } from "../../../shared/core/clock.ts";
import { RunningWork } from "../invocation/running-work.ts";
import { settleWithin } from "../settle-within.ts";
import { startLockRenewal } from "./lock-renewal.ts";
import { createMessageProcessor } from "./message-processor.ts";
import { CLOSE_DEADLINE_MS, type ListenerOptions } from "./queue-listener.ts";
import type { ServiceBusConnection, SessionReceiver } from "./service-bus-client.ts";

const ACCEPT_RETRY_DELAY_MS = 200;
// What the SDK says when no session had messages while it waited: the normal case, not a failure.
const NO_SESSION = new Set(["ServiceTimeout", "SessionCannotBeLocked", "OperationTimeoutError"]);

/** Receives from a session-enabled queue or subscription, several sessions at a time. Scope: one function. */
export class SessionListener {
  readonly #options: ListenerOptions;
  readonly #running: RunningWork;
  readonly #stopping = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#running = new RunningWork(options.clock);
  }

  async start(): Promise<void> {
    const connection = await this.#options.connect();
    const loops = Array.from({ length: this.#options.maxConcurrentSessions }, () =>
      this.#acceptSessions(connection),
    );
    this.#loops = Promise.all(loops);
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#running.ended(graceMs);
    await settleWithin(this.#options.clock, CLOSE_DEADLINE_MS, this.#loops);
  }

  async #acceptSessions(connection: ServiceBusConnection): Promise<void> {
    const { signal } = this.#stopping;
    const { source, report, clock } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#serve(await connection.acceptNextSession(source, signal));
      } catch (error) {
        if (signal.aborted) return;
        if (!isNoSession(error)) report(`cannot accept a session: ${(error as Error).message}`);
        await delay(clock, ACCEPT_RETRY_DELAY_MS, signal).catch(() => {});
      }
    }
  }

  /** Serves one session until it is idle, lost, or the host stops. */
  async #serve(receiver: SessionReceiver): Promise<void> {
    const { clock, sessionIdleTimeoutMs, maxConcurrentCallsPerSession, maxMessageBatchSize } =
      this.#options;
    const ended = Promise.withResolvers<void>();
    const end = (): void => ended.resolve();
    let cancelIdle: Cancel = clock.schedule(sessionIdleTimeoutMs, end);
    const releaseLock = this.#keepSession(receiver, end);
    // Messages of a session have no locks of their own.
    const process = createMessageProcessor(receiver, this.#options, () => () => {});
    const running = new RunningWork(clock);
    const subscription = receiver.subscribe(
      {
        processMessage: async (message) => {
          cancelIdle();
          const work = process(message);
          running.track(work);
          this.#running.track(work);
          await work;
          if (running.count === 0) cancelIdle = clock.schedule(sessionIdleTimeoutMs, end);
        },
        processError: async () => end(),
      },
      {
        autoCompleteMessages: false,
        maxConcurrentCalls: this.#options.isMany
          ? maxMessageBatchSize
          : maxConcurrentCallsPerSession,
      },
    );
    this.#stopping.signal.addEventListener("abort", end, { once: true });
    await ended.promise;
    this.#stopping.signal.removeEventListener("abort", end);
    cancelIdle();
    await settleWithin(clock, CLOSE_DEADLINE_MS, subscription.close());
    await running.ended(this.#options.maxAutoLockRenewalDurationMs);
    releaseLock();
    await settleWithin(clock, CLOSE_DEADLINE_MS, receiver.close());
  }

  #keepSession(receiver: SessionReceiver, onLost: () => void): Cancel {
    return startLockRenewal({
      clock: this.#options.clock,
      lockedUntilAt: receiver.sessionLockedUntilUtc.getTime(),
      maxDurationMs: Number.POSITIVE_INFINITY,
      renew: () => receiver.renewSessionLock(),
      onLost,
    });
  }
}

function isNoSession(error: unknown): boolean {
  const { code = "", name = "" } = error as { code?: string; name?: string };
  return NO_SESSION.has(code) || NO_SESSION.has(name);
}
