import { corkForTick } from "./cork.ts";
import { type Answer, toOutcome } from "./outcome.ts";
import { frames, type RheaSession } from "./rhea.ts";

interface Entry {
  readonly deliveryId: number;
  readonly answer: Answer;
}

/**
 * Answers that wait to be written on one AMQP session, in one direction. rhea's own writer merges
 * unlike outcomes of neighbouring deliveries into one disposition; here only neighbours that were
 * all accepted share one. Scope: one AMQP session.
 */
export class Answers {
  readonly #session: RheaSession;
  /** True when the broker received the deliveries, false when it sent them. */
  readonly #role: boolean;
  #entries: Entry[] = [];

  constructor(session: RheaSession, role: boolean) {
    this.#session = session;
    this.#role = role;
  }

  add(deliveryId: number, answer: Answer): void {
    this.#entries.push({ deliveryId, answer });
    this.#session.connection._register();
  }

  /** Writes what waits; always with a state, for a client waits for ever for a bare settlement. */
  flush(): void {
    if (this.#entries.length === 0) return;
    const entries = this.#entries.sort((a, b) => a.deliveryId - b.deliveryId);
    this.#entries = [];
    corkForTick(this.#session.connection.socket);
    for (const { first, last, answer } of mergeAnswers(entries)) {
      const fields = { role: this.#role, first, last, settled: true, state: toOutcome(answer) };
      this.#session.output(frames.disposition(fields));
    }
  }
}

interface AnswerRange {
  first: number;
  last: number;
  answer: Answer;
}

/** Joins neighbours that were accepted; anything else stands alone. */
export function mergeAnswers(entries: readonly Entry[]): AnswerRange[] {
  const ranges: AnswerRange[] = [];
  for (const { deliveryId, answer } of entries) {
    const previous = ranges.at(-1);
    const isJoined =
      answer === "accepted" && previous?.answer === "accepted" && previous.last + 1 === deliveryId;
    if (isJoined) previous.last = deliveryId;
    else ranges.push({ first: deliveryId, last: deliveryId, answer });
  }
  return ranges;
}
