import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import {
  type ListenerOptions,
  QueueListener,
} from "../../../local/host/service-bus/queue-listener.ts";
import type { ServiceBusConnection } from "../../../local/host/service-bus/service-bus-client.ts";
import { SessionListener } from "../../../local/host/service-bus/session-listener.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";

const SECOND = 1000;

/** A receiver that a test feeds by hand and that notes how messages were settled. */
class FakeReceiver {
  readonly settled: string[] = [];
  readonly renewed: string[] = [];
  readonly sessionId = "s";
  readonly #clock: FakeClock;
  closed = 0;
  options: { maxConcurrentCalls: number } | undefined;
  deliver: (message: ServiceBusReceivedMessage) => Promise<void> = async () => {};
  fail: (error: Error) => Promise<void> = async () => {};
  renewFails = false;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get sessionLockedUntilUtc(): Date {
    return new Date(this.#clock.now() + 30 * SECOND);
  }

  subscribe(handlers: never, options: { maxConcurrentCalls: number }) {
    const { processMessage, processError } = handlers as {
      processMessage: FakeReceiver["deliver"];
      processError(args: { error: Error }): Promise<void>;
    };
    this.deliver = processMessage;
    this.fail = (error) => processError({ error });
    this.options = options;
    return { close: async () => {} };
  }
  async completeMessage(message: ServiceBusReceivedMessage) {
    this.settled.push(`complete ${message.messageId}`);
  }
  async abandonMessage(message: ServiceBusReceivedMessage) {
    this.settled.push(`abandon ${message.messageId}`);
  }
  async renewMessageLock(message: ServiceBusReceivedMessage) {
    if (this.renewFails) throw new Error("broker is gone");
    this.renewed.push(String(message.messageId));
    return new Date(this.#clock.now() + 30 * SECOND);
  }
  async renewSessionLock() {
    this.renewed.push("session");
    return new Date(this.#clock.now() + 30 * SECOND);
  }
  async close() {
    this.closed += 1;
  }
}

const messageOf = (clock: FakeClock, messageId: string): ServiceBusReceivedMessage =>
  ({ messageId, body: "", lockedUntilUtc: new Date(clock.now() + 30 * SECOND) }) as never;

function arrange(options: Partial<ListenerOptions> = {}) {
  const clock = new FakeClock();
  const receiver = new FakeReceiver(clock);
  const reports: string[] = [];
  const connection = { createReceiver: () => receiver } as unknown as ServiceBusConnection;
  const settings: ListenerOptions = {
    functionName: "fn",
    source: { queueName: "q", isDeadLetter: false },
    connect: async () => connection,
    isMany: false,
    autoCompleteMessages: true,
    maxConcurrentCalls: 4,
    maxConcurrentSessions: 1,
    maxConcurrentCallsPerSession: 1,
    sessionIdleTimeoutMs: 5 * SECOND,
    maxAutoLockRenewalDurationMs: 60 * SECOND,
    maxMessageBatchSize: 100,
    minMessageBatchSize: 1,
    maxBatchWaitTimeMs: SECOND,
    clock,
    invoke: async () => {},
    report: (problem) => reports.push(problem),
    ...options,
  };
  return { clock, receiver, reports, settings, connection };
}

describe("a listener of a queue", () => {
  it("completes a message when the function returns and abandons it when it throws", async () => {
    const { clock, receiver, settings } = arrange({
      invoke: async ([message]) => {
        if (message?.messageId === "bad") throw new Error("no");
      },
    });
    await new QueueListener(settings).start();
    expect(receiver.options?.maxConcurrentCalls).toBe(4);
    await receiver.deliver(messageOf(clock, "good"));
    await receiver.deliver(messageOf(clock, "bad"));
    expect(receiver.settled).toEqual(["complete good", "abandon bad"]);
    expect(clock.pending).toBe(0);
  });

  it("settles nothing on success without auto-complete, but abandons on failure", async () => {
    const { clock, receiver, settings } = arrange({
      autoCompleteMessages: false,
      invoke: async ([message]) => {
        if (message?.messageId === "bad") throw new Error("no");
      },
    });
    await new QueueListener(settings).start();
    await receiver.deliver(messageOf(clock, "good"));
    await receiver.deliver(messageOf(clock, "bad"));
    expect(receiver.settled).toEqual(["abandon bad"]);
  });

  it("keeps the lock while the function runs, up to maxAutoLockRenewalDuration", async () => {
    const run = Promise.withResolvers<void>();
    const { clock, receiver, settings } = arrange({ invoke: () => run.promise });
    await new QueueListener(settings).start();
    const done = receiver.deliver(messageOf(clock, "m"));
    await clock.advance(300 * SECOND);
    // At 15 s until 45 s, at 30 s until 60 s: that covers the 60 s for which it may be kept.
    expect(receiver.renewed).toEqual(["m", "m"]);
    run.resolve();
    await done;
    expect(clock.pending).toBe(0);
  });

  it("waits for running functions when it stops, at most for the grace", async () => {
    const run = Promise.withResolvers<void>();
    const { clock, receiver, settings } = arrange({ invoke: () => run.promise });
    const listener = new QueueListener(settings);
    await listener.start();
    const done = receiver.deliver(messageOf(clock, "m"));
    let hasStopped = false;
    const stopped = listener.stop(30 * SECOND).then(() => {
      hasStopped = true;
    });
    await clock.advance(29 * SECOND);
    expect(hasStopped).toBe(false);
    run.resolve();
    await Promise.all([done, stopped]);
    expect([receiver.settled, receiver.closed]).toEqual([["complete m"], 1]);
  });

  it("reports why it cannot receive and why a message could not be settled", async () => {
    const { clock, receiver, reports, settings } = arrange();
    receiver.completeMessage = () => Promise.reject(new Error("the lock is lost"));
    await new QueueListener(settings).start();
    await receiver.fail(new Error("connection refused"));
    await receiver.deliver(messageOf(clock, "m"));
    expect(reports).toEqual([
      "cannot receive: connection refused",
      'could not complete message "m", it will return: the lock is lost',
    ]);
  });

  it("runs what came meanwhile as one batch", async () => {
    const batches: string[][] = [];
    const first = Promise.withResolvers<void>();
    const { clock, receiver, settings } = arrange({
      isMany: true,
      invoke: async (messages) => {
        batches.push(messages.map(({ messageId }) => String(messageId)));
        if (batches.length === 1) await first.promise;
      },
    });
    await new QueueListener(settings).start();
    const one = receiver.deliver(messageOf(clock, "1"));
    await settle();
    const rest = ["2", "3", "4"].map((id) => receiver.deliver(messageOf(clock, id)));
    await settle();
    first.resolve();
    await Promise.all([one, ...rest]);
    expect(batches).toEqual([["1"], ["2", "3", "4"]]);
    expect(receiver.settled).toHaveLength(4);
    expect(clock.pending).toBe(0);
  });
});

describe("a listener of sessions", () => {
  it("serves a session until it is idle, keeping its lock, and then takes the next", async () => {
    const { clock, receiver, settings, connection } = arrange();
    let accepted = 0;
    connection.acceptNextSession = async (_source, signal) => {
      accepted += 1;
      if (accepted > 1)
        await new Promise((_resolve, reject) => signal.addEventListener("abort", reject));
      return receiver as never;
    };
    const listener = new SessionListener(settings);
    await listener.start();
    await settle();
    await receiver.deliver(messageOf(clock, "1"));
    await clock.advance(4 * SECOND);
    await receiver.deliver(messageOf(clock, "2"));
    await clock.advance(4 * SECOND);
    expect([receiver.closed, accepted]).toEqual([0, 1]);
    await clock.advance(2 * SECOND);
    expect([receiver.closed, accepted]).toEqual([1, 2]);
    expect(receiver.settled).toEqual(["complete 1", "complete 2"]);
    await listener.stop(SECOND);
    expect(clock.pending).toBe(0);
  });

  it("tries again, without a word, when no session has messages", async () => {
    const { clock, reports, settings, connection } = arrange();
    let attempts = 0;
    connection.acceptNextSession = async () => {
      attempts += 1;
      throw Object.assign(new Error("none"), { code: attempts < 3 ? "ServiceTimeout" : "Other" });
    };
    const listener = new SessionListener(settings);
    await listener.start();
    await clock.advance(450);
    expect([attempts, reports]).toEqual([3, ["cannot accept a session: none"]]);
    await listener.stop(SECOND);
  });
});
