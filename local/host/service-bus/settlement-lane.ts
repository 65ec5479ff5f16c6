/** The outcomes that a trigger gives a message. */
export type Settlement = "complete" | "abandon";

interface Waiting {
  settlement: Settlement;
  send: () => void;
}

/**
 * Keeps unlike settlements out of one turn of the event loop. The SDK's AMQP library merges the
 * dispositions of a turn and gives all of them the first one's outcome: a message that was to be
 * abandoned would be completed, and lost. Scope: one receiver.
 */
export class SettlementLane {
  #current: Settlement | undefined;
  readonly #waiting: Waiting[] = [];

  /** Sends a settlement, now or in a turn of its own; settles as the SDK's call does. */
  settle(settlement: Settlement, send: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ settlement, send: () => void send().then(resolve, reject) });
      if (this.#waiting.length === 1) this.#sendAlike();
    });
  }

  #sendAlike(): void {
    this.#current ??= this.#openTurn();
    while (this.#waiting[0]?.settlement === this.#current) this.#waiting.shift()?.send();
  }

  #openTurn(): Settlement | undefined {
    setImmediate(() => {
      this.#current = undefined;
      if (this.#waiting.length > 0) this.#sendAlike();
    });
    return this.#waiting[0]?.settlement;
  }
}
