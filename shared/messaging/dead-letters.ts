import { setImmediate as nextTurn } from "node:timers/promises";
import type {
  PeekMessagesOptions,
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
} from "@azure/service-bus";
import { GatewayError } from "../core/errors.ts";
import { type Act, holdLetters, type LetterBox, settleLetters } from "./held-letters.ts";
import type { ServiceBus } from "./service-bus.ts";
import { settleInTime } from "./settle-in-time.ts";

/** An entity that has dead letters. */
export type DeadLetterSource =
  | { readonly name: string; readonly queue: string }
  | { readonly name: string; readonly topic: string; readonly subscription: string };

/** A message among the dead letters. */
export interface DeadLetter {
  /** Decimal: 64 bits are more than a number holds. */
  readonly sequenceNumber: string;
  readonly messageId: string;
  readonly correlationId: string | undefined;
  /** When it was put into its queue; epoch milliseconds. */
  readonly enqueuedAt: number;
  readonly reason: string | undefined;
  readonly description: string | undefined;
  readonly deliveryCount: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly body: unknown;
}

/** How one letter was dealt with; `beyond` when it lies behind more letters than are looked through. */
export type Found = "gone" | "kept" | "missing" | "locked" | "beyond";

// Letters that are passed over are locked until the wanted one is found, so this bounds what others miss.
const MAX_HELD = 1000;
const BATCH = 100;
// Receiving stops here when there are no more letters that nobody else holds.
const RECEIVE_WAIT_MS = 500;
// An operator who looks while the broker is silent is to hear of it.
const CALL_TIMEOUT_MS = 15_000;

/**
 * The dead letters of the gateway's entities. Looking locks nothing; a letter is dealt with under its
 * lock, so that of two who want it one gets it. Scope: global, in Service Bus; nothing is held here.
 */
export class DeadLetters {
  readonly #bus: Pick<ServiceBus, "client">;

  constructor(bus: Pick<ServiceBus, "client">) {
    this.#bus = bus;
  }

  /** Letters from a sequence number on, without a lock; none only when there are none. */
  peek(
    source: DeadLetterSource,
    { from, atMost }: { readonly from: bigint; readonly atMost: number },
  ): Promise<readonly DeadLetter[]> {
    return this.#with(source, async (receiver) => {
      // Always from a number: the SDK's own place is shared by all receivers of an entity.
      const abortSignal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const options = { fromSequenceNumber: longOf(from), abortSignal };
      return (await receiver.peekMessages(atMost, options)).map(letterOf);
    });
  }

  /** Deals with one letter. It must be looked for from the first on: only deferred messages have an address. */
  async dealWith(source: DeadLetterSource, sequenceNumber: string, act: Act): Promise<Found> {
    const isWanted = (message: ServiceBusReceivedMessage): boolean =>
      message.sequenceNumber?.toString() === sequenceNumber;
    const isThere = async (): Promise<boolean> => {
      const [first] = await this.peek(source, { from: BigInt(sequenceNumber), atMost: 1 });
      return first?.sequenceNumber === sequenceNumber;
    };
    if (!(await isThere())) return "missing";
    return this.#with(source, async (receiver) => {
      const box = boxOf(receiver);
      const held = await holdLetters(box, MAX_HELD, isWanted);
      const wanted = held.find(isWanted);
      if (wanted) return (await settleLetters(box, held, { only: wanted, act })) ? "gone" : "kept";
      await box.giveBack(held);
      if (held.length >= MAX_HELD) return "beyond";
      return (await isThere()) ? "locked" : "missing";
    });
  }

  /** Deals with the first letters that nobody else holds; tells how many of them are gone, and stay. */
  dealWithFirst(
    source: DeadLetterSource,
    atMost: number,
    act: Act,
  ): Promise<{ readonly gone: number; readonly kept: number }> {
    return this.#with(source, async (receiver) => {
      const box = boxOf(receiver);
      const held = await holdLetters(box, atMost);
      const gone = await settleLetters(box, held, { act });
      return { gone, kept: held.length - gone };
    });
  }

  async #with<Result>(
    source: DeadLetterSource,
    work: (receiver: ServiceBusReceiver) => Promise<Result>,
  ): Promise<Result> {
    try {
      const receiver = receiverOf(await this.#bus.client(), source);
      try {
        const result = await work(receiver);
        await settleInTime(receiver.close());
        return result;
      } catch (error) {
        // Not waited for: the broker may be silent.
        receiver.close().catch(() => {});
        throw error;
      }
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError(
        "messaging-unavailable",
        `The dead letters of ${source.name} failed.`,
        {
          cause,
          retryAfterMs: 2000,
        },
      );
    }
  }
}

const boxOf = (receiver: ServiceBusReceiver): LetterBox<ServiceBusReceivedMessage> => ({
  batch: BATCH,
  receive: (atMost) =>
    receiver.receiveMessages(atMost, {
      maxWaitTimeInMs: RECEIVE_WAIT_MS,
      abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    }),
  toLetter: letterOf,
  // The SDK gives up waiting for the broker's word by itself.
  remove: (message) => receiver.completeMessage(message),
  giveBack: (messages) => giveBack(receiver, messages),
});

async function giveBack(
  receiver: ServiceBusReceiver,
  messages: readonly ServiceBusReceivedMessage[],
): Promise<void> {
  // The SDK merges unlike settlements of one turn, and all get the first one's outcome.
  await nextTurn();
  await Promise.all(messages.map((message) => receiver.abandonMessage(message).catch(() => {})));
}

function receiverOf(client: ServiceBusClient, source: DeadLetterSource): ServiceBusReceiver {
  const options = { subQueueType: "deadLetter" } as const;
  return "queue" in source
    ? client.createReceiver(source.queue, options)
    : client.createReceiver(source.topic, source.subscription, options);
}

type SequenceNumber = NonNullable<PeekMessagesOptions["fromSequenceNumber"]>;

/** A number as the SDK takes it, which reads its eight bytes and nothing else. */
function longOf(value: bigint): SequenceNumber {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  const long = { __isLong__: true, toBytesBE: () => [...bytes] };
  return long as unknown as SequenceNumber;
}

function letterOf(message: ServiceBusReceivedMessage): DeadLetter {
  const { applicationProperties = {}, messageId, correlationId } = message;
  return {
    sequenceNumber: message.sequenceNumber?.toString() ?? "0",
    messageId: String(messageId ?? ""),
    correlationId: correlationId === undefined ? undefined : String(correlationId),
    enqueuedAt: message.enqueuedTimeUtc?.getTime() ?? 0,
    reason: message.deadLetterReason,
    description: message.deadLetterErrorDescription,
    deliveryCount: message.deliveryCount ?? 0,
    properties: applicationProperties as DeadLetter["properties"],
    body: message.body as unknown,
  };
}
