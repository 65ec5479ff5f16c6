import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { Cancel } from "../../../shared/core/clock.ts";
import { RunningWork } from "../invocation/running-work.ts";
import { settleWithin } from "../settle-within.ts";
import { startLockRenewal } from "./lock-renewal.ts";
import { createMessageProcessor, type ProcessingOptions } from "./message-processor.ts";
import type { MessageSource, QueueReceiver, ServiceBusConnection } from "./service-bus-client.ts";

/** What listeners of both kinds need to know. */
export interface ListenerOptions extends ProcessingOptions {
  functionName: string;
  source: MessageSource;
  connect(): Promise<ServiceBusConnection>;
  maxConcurrentCalls: number;
  maxConcurrentSessions: number;
  maxConcurrentCallsPerSession: number;
  sessionIdleTimeoutMs: number;
  maxAutoLockRenewalDurationMs: number;
}

/** How long the goodbye to the broker may take. */
export const CLOSE_DEADLINE_MS = 2000;

/** Receives from a queue or subscription without sessions. Scope: one function. */
export class QueueListener {
  readonly #options: ListenerOptions;
  readonly #running: RunningWork;
  #receiver: QueueReceiver | undefined;
  #subscription: { close(): Promise<void> } | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#running = new RunningWork(options.clock);
  }

  async start(): Promise<void> {
    const { connect, source, isMany, maxConcurrentCalls, maxMessageBatchSize } = this.#options;
    const receiver = (await connect()).createReceiver(source);
    const process = createMessageProcessor(receiver, this.#options, (message) =>
      this.#keepLock(receiver, message),
    );
    this.#receiver = receiver;
    this.#subscription = receiver.subscribe(
      {
        processMessage: (message) => this.#track(process(message)),
        processError: async ({ error }) => this.#options.report(`cannot receive: ${error.message}`),
      },
      {
        autoCompleteMessages: false,
        maxConcurrentCalls: isMany ? maxMessageBatchSize : maxConcurrentCalls,
      },
    );
  }

  async stop(graceMs: number): Promise<void> {
    const { clock } = this.#options;
    // Closing talks to the broker, which may hang: that must not hold up the end.
    const closing = this.#subscription?.close();
    await Promise.all([
      this.#running.ended(graceMs),
      settleWithin(clock, CLOSE_DEADLINE_MS, closing),
    ]);
    await settleWithin(clock, CLOSE_DEADLINE_MS, this.#receiver?.close());
  }

  #track(work: Promise<void>): Promise<void> {
    this.#running.track(work);
    return work;
  }

  #keepLock(receiver: QueueReceiver, message: ServiceBusReceivedMessage): Cancel {
    const { clock, maxAutoLockRenewalDurationMs, report } = this.#options;
    return startLockRenewal({
      clock,
      lockedUntilAt: message.lockedUntilUtc?.getTime() ?? Number.POSITIVE_INFINITY,
      maxDurationMs: maxAutoLockRenewalDurationMs,
      renew: () => receiver.renewMessageLock(message),
      onLost: () =>
        report(`lost the lock of message "${message.messageId ?? ""}": it will come again`),
    });
  }
}
