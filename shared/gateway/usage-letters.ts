import { GatewayError } from "../core/errors.ts";
import { fromUsageMessage } from "../ledger/index.ts";
import type { DeadLetter, DeadLetters } from "../messaging/index.ts";
import type { HeldText, QueuedText } from "../storage/index.ts";
import type { UsageQueue } from "./usage-services.ts";

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

  constructor(queue: UsageQueue) {
    this.#queue = queue;
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
    const held = await this.#take(MAX_HELD, isWanted);
    const wanted = held.find(isWanted);
    if (wanted) return (await this.#settle(held, [wanted], act)) === 1 ? "gone" : "kept";
    await this.#settle(held, [], act);
    return held.length >= MAX_HELD ? "beyond" : "missing";
  }

  async dealWithFirst(_source: unknown, atMost: number, act: Act) {
    const held = await this.#take(atMost, () => false);
    const gone = await this.#settle(held, held, act);
    return { gone, kept: held.length - gone };
  }

  async #take(atMost: number, isLast: (held: HeldText) => boolean): Promise<readonly HeldText[]> {
    const held: HeldText[] = [];
    while (held.length < atMost && !held.some(isLast)) {
      const batch = await this.#queue.receive(Math.min(BATCH, atMost - held.length), HELD_MS);
      if (batch.length === 0) break;
      held.push(...batch);
    }
    return held;
  }

  /** Deals with some of what is held, and gives back what stays; returns how many are gone. */
  async #settle(held: readonly HeldText[], some: readonly HeldText[], act: Act): Promise<number> {
    const staying = new Set(held);
    try {
      for (const each of some) {
        if (!(await act(toLetter(each)))) continue;
        await this.#queue.remove(each);
        staying.delete(each);
      }
      return held.length - staying.size;
    } finally {
      // What cannot be given back comes back by itself.
      await Promise.all([...staying].map((each) => this.#queue.giveBack(each).catch(() => {})));
    }
  }
}

/** What of a letter is to be counted again; throws where it still cannot be. */
export function recountable(letter: DeadLetter): string {
  const text = String(letter.body);
  const { poison } = fromUsageMessage(text);
  if (!poison) return text;
  throw new GatewayError("redrive-refused", `It cannot be counted: ${poison.problem}`);
}

type Act = (letter: DeadLetter) => Promise<boolean>;

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
