import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { Cancel, Clock } from "../../../shared/core/clock.ts";
import { MessageBatcher } from "./message-batcher.ts";
import type { MessageReceiver } from "./service-bus-client.ts";
import { type Settlement, SettlementLane } from "./settlement-lane.ts";

/** How a trigger treats messages, from its binding and host.json. */
export interface ProcessingOptions {
  isMany: boolean;
  autoCompleteMessages: boolean;
  maxMessageBatchSize: number;
  minMessageBatchSize: number;
  maxBatchWaitTimeMs: number;
  clock: Clock;
  /** Runs the function; rejects when it failed, which has been logged by then. */
  invoke(messages: readonly ServiceBusReceivedMessage[]): Promise<unknown>;
  /** Says in one line what went wrong with a message, or with receiving. */
  report(problem: string): void;
}

type Process = (message: ServiceBusReceivedMessage) => Promise<void>;

/** Makes what the receiver calls for each message: run the function, then settle by its outcome. */
export function createMessageProcessor(
  receiver: MessageReceiver,
  options: ProcessingOptions,
  keepLock: (message: ServiceBusReceivedMessage) => Cancel,
): Process {
  const settle = createSettle(receiver, options);
  if (options.isMany) return createBatchProcessor(options, settle, keepLock);
  return async (message) => {
    const releaseLock = keepLock(message);
    const isDone = await succeeds(() => options.invoke([message]));
    releaseLock();
    await settle([message], isDone);
  };
}

function createBatchProcessor(
  options: ProcessingOptions,
  settle: (messages: readonly ServiceBusReceivedMessage[], isDone: boolean) => Promise<void>,
  keepLock: (message: ServiceBusReceivedMessage) => Cancel,
): Process {
  type Entry = { message: ServiceBusReceivedMessage; releaseLock: Cancel };
  const batcher = new MessageBatcher<Entry>({
    clock: options.clock,
    maxSize: options.maxMessageBatchSize,
    minSize: options.minMessageBatchSize,
    maxWaitMs: options.maxBatchWaitTimeMs,
    async run(entries) {
      // The platform renews no locks of a running batch; only the wait for it is ours to bridge.
      for (const { releaseLock } of entries) releaseLock();
      const messages = entries.map(({ message }) => message);
      await settle(messages, await succeeds(() => options.invoke(messages)));
    },
  });
  return (message) => batcher.add({ message, releaseLock: keepLock(message) });
}

function createSettle(
  receiver: MessageReceiver,
  { autoCompleteMessages, report }: ProcessingOptions,
): (messages: readonly ServiceBusReceivedMessage[], isDone: boolean) => Promise<void> {
  const lane = new SettlementLane();
  const send: Record<Settlement, (message: ServiceBusReceivedMessage) => Promise<void>> = {
    complete: (message) => receiver.completeMessage(message),
    abandon: (message) => receiver.abandonMessage(message),
  };
  return async (messages, isDone) => {
    // Without auto-complete a success settles nothing: the lock runs out and the message returns.
    if (isDone && !autoCompleteMessages) return;
    const settlement = isDone ? "complete" : "abandon";
    await Promise.all(
      messages.map((message) =>
        lane
          .settle(settlement, () => send[settlement](message))
          .catch((error: unknown) => {
            const reason = error instanceof Error ? error.message : String(error);
            report(
              `could not ${settlement} message "${message.messageId ?? ""}", it will return: ${reason}`,
            );
          }),
      ),
    );
  };
}

async function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}
