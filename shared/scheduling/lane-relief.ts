import type { Random } from "../core/domain.ts";

/** What an instance tells the others of one queue of a lane. */
export interface QueueLoad {
  readonly queue: string;
  /** Messages that it holds, and for which it has no slot. */
  readonly waiting: number;
  /** Messages that it would run at once, if it had them. */
  readonly spare: number;
}

/** A message's wait for a slot. */
export interface LaneWait {
  /** Aborts with a `HandedBack` when the message is to go where a slot is free. */
  readonly signal: AbortSignal;
  /** The wait is over: the message has its slot, or needs none any more. */
  leave(): void;
}

/** Says of a message that another instance has a slot for it, and that it goes back to its queue. */
export class HandedBack extends Error {
  override readonly name = "HandedBack";
}

export interface LaneReliefOptions {
  /** The queues of the lanes, the most urgent first. */
  readonly queues: readonly string[];
  /** How many more of a queue's messages this instance would run at once. */
  spareOf(queue: string): number;
  readonly random: Random;
}

/**
 * Sees to it that no message waits in the hands of a busy instance while another is idle: the platform
 * gives each instance as many messages as its host may hold, not as many as it can run. Scope: per
 * instance; it hears of the others by the ledger.
 */
export class LaneRelief {
  readonly #options: LaneReliefOptions;
  readonly #waits: ReadonlyMap<string, Set<AbortController>>;
  /** Queues whose messages come to this instance. */
  readonly #served = new Set<string>();
  #isResting = false;

  constructor(options: LaneReliefOptions) {
    this.#options = options;
    this.#waits = new Map(options.queues.map((queue) => [queue, new Set()]));
  }

  /** Messages of the queue come to this instance. Of others it has nothing to spare: it would not get them. */
  serve(queue: string): void {
    this.#served.add(queue);
  }

  get isServing(): boolean {
    return this.#served.size > 0;
  }

  /** A message of the queue begins to wait. */
  enter(queue: string): LaneWait {
    this.serve(queue);
    const wait = new AbortController();
    this.#waits.get(queue)?.add(wait);
    return {
      signal: wait.signal,
      leave: () => void this.#waits.get(queue)?.delete(wait),
    };
  }

  /** What comes to this instance, for the ledger. */
  local(): QueueLoad[] {
    return [...this.#waits]
      .filter(([queue]) => this.#served.has(queue))
      .map(([queue, { size: waiting }]) => {
        return { queue, waiting, spare: waiting > 0 ? 0 : this.#options.spareOf(queue) };
      });
  }

  /**
   * Hands back as much as the others have room for, the most urgent first, and of a queue what has waited
   * longest. Then it waits for a round: what the others told next may be older than what was handed back.
   */
  hear(others: readonly QueueLoad[]): void {
    this.#isResting = !this.#isResting && this.#handBack(others) > 0;
  }

  #handBack(others: readonly QueueLoad[]): number {
    let handedBack = 0;
    for (const [queue, waits] of this.#waits) {
      const told = others.filter((load) => load.queue === queue);
      // What was handed back before takes the same slots.
      const spare = sumOf(told, "spare") - handedBack;
      const load = { waiting: waits.size, waitingElsewhere: sumOf(told, "waiting"), spare };
      const part = partOf(load, this.#options.random);
      for (const wait of [...waits].slice(0, part)) {
        waits.delete(wait);
        wait.abort(new HandedBack("Another instance has a slot."));
      }
      handedBack += part;
    }
    return handedBack;
  }
}

const sumOf = (loads: readonly QueueLoad[], what: "waiting" | "spare"): number =>
  loads.reduce((sum, load) => sum + load[what], 0);

/**
 * How much one of the instances hands back, so that all of them together hand back about what the others
 * have room for: its part of what waits everywhere, rounded by chance, for each decides alone.
 */
function partOf(
  { waiting, waitingElsewhere, spare }: Record<"waiting" | "waitingElsewhere" | "spare", number>,
  random: Random,
): number {
  if (waiting === 0 || spare <= 0) return 0;
  const part = (spare * waiting) / (waiting + waitingElsewhere);
  return Math.min(waiting, Math.floor(part + random()));
}
