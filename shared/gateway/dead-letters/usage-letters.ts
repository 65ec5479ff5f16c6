import { GatewayError } from "../../core/errors.ts";
import { fromUsageMessage } from "../../ledger/index.ts";
import {
  type Act,
  type DeadLetter,
  type DeadLetters,
  holdLetters,
  type LetterBox,
  settleLetters,
} from "../../messaging/index.ts";
import type { HeldText, QueuedText } from "../../storage/index.ts";
import type { UsageQueue } from "../usage/usage-services.ts";

/** What operators do with dead letters, wherever they lie. */
export type Letters = Pick<DeadLetters, "peek" | "dealWith" | "dealWithFirst">;

// Long enough for as many as are dealt with at once, each with a message of its own.
const HELD_MS = 60_000;
const MAX_HELD = 1000;
const BATCH = 32;

/**
 * Usage that could not be counted, as dead letters: the same calls for operators, although it lies in a
 * storage queue. Its first 32 messages can be seen. Scope: global, in storage; nothing is held here.
 */
export class UsageLetters implements Letters {
  readonly #queue: UsageQueue;
  readonly #box: LetterBox<HeldText>;

  constructor(queue: UsageQueue) {
    this.#queue = queue;
    this.#box = boxOf(queue);
  }

  async peek(_source: unknown, { from, atMost }: { from: bigint; atMost: number }) {
    const letters = (await this.#queue.peek()).map(toLetter);
    return letters
      .filter(({ sequenceNumber }) => BigInt(sequenceNumber) >= from)
      .sort((a, b) => (BigInt(a.sequenceNumber) < BigInt(b.sequenceNumber) ? -1 : 1))
      .slice(0, atMost);
  }

  async dealWith(_source: unknown, sequenceNumber: string, act: Act) {
    const isWanted = (held: HeldText): boolean => numberOf(held) === sequenceNumber;
    const held = await holdLetters(this.#box, MAX_HELD, isWanted);
    const wanted = held.find(isWanted);
    if (wanted) {
      return (await settleLetters(this.#box, held, { only: wanted, act })) ? "gone" : "kept";
    }
    await this.#box.giveBack(held);
    return held.length >= MAX_HELD ? "beyond" : "missing";
  }

  async dealWithFirst(_source: unknown, atMost: number, act: Act) {
    const held = await holdLetters(this.#box, atMost);
    const gone = await settleLetters(this.#box, held, { act });
    return { gone, kept: held.length - gone };
  }
}

const boxOf = (queue: UsageQueue): LetterBox<HeldText> => ({
  batch: BATCH,
  receive: (atMost) => queue.receive(atMost, HELD_MS),
  toLetter,
  remove: (held) => queue.remove(held),
  async giveBack(held) {
    await Promise.all(held.map((each) => queue.giveBack(each).catch(() => {})));
  },
});

/** What of a letter is to be counted again; throws where it still cannot be. */
export function recountable(letter: DeadLetter): string {
  const text = String(letter.body);
  const { poison } = fromUsageMessage(text);
  if (!poison) return text;
  throw new GatewayError("redrive-refused", `It cannot be counted: ${poison.problem}`);
}

const NUMBER_DIGITS = 14;

/** Storage gives its messages ids and no numbers: the number is the beginning of the id. */
const numberOf = ({ messageId }: QueuedText): string =>
  String(BigInt(`0x${messageId.replaceAll("-", "").slice(0, NUMBER_DIGITS)}`));

function toLetter(queued: QueuedText): DeadLetter {
  const { messageId, text, insertedAt, dequeueCount } = queued;
  return {
    sequenceNumber: numberOf(queued),
    messageId,
    correlationId: undefined,
    enqueuedAt: insertedAt,
    reason: "uncounted",
    description: problemOf(text),
    deliveryCount: dequeueCount,
    properties: {},
    body: text,
  };
}

function problemOf(text: string): string {
  try {
    return fromUsageMessage(text).poison?.problem ?? "It failed at each delivery.";
  } catch (error) {
    return (error as Error).message;
  }
}
