import type { Lane } from "../../../../shared/config/index.ts";
import type { OutgoingMessage } from "../../../../shared/messaging/index.ts";
import type { FakeBus } from "../../../support/fake-bus.ts";

const LOCK_MS = 60_000;
const MOST_AT_ONCE = 24;

interface Message {
  readonly queue: string;
  readonly messageId: string;
  readonly body: unknown;
  readonly expiresAt: number;
  availableAt: number;
  deliveries: number;
  /** Whose settlement counts; undefined while nobody has it. */
  lock: Lock | undefined;
}

interface Lock {
  /** Until when it holds by itself; while its holder lives it is renewed. */
  until: number;
  readonly isHeld: () => boolean;
}

/** Runs one delivery; rejects to give the message back. */
export interface Worker {
  readonly isDead: boolean;
  run(lane: Lane, delivery: Delivery): Promise<void>;
}

export interface Delivery {
  readonly queue: string;
  readonly messageId: string;
  readonly body: unknown;
  readonly deliveryCount: number;
}

/**
 * The lanes as Service Bus keeps them: at least once, in any order, with locks, deliveries, duplicates
 * that are dropped, and messages that expire. Scope: one test.
 */
export class Broker {
  readonly #lanes = new Map<string, Lane>();
  readonly #letters: FakeBus;
  readonly #random: () => number;
  readonly #known = new Set<string>();
  #messages: Message[] = [];
  /** Part of the deliveries that come twice. */
  doubled = 0;
  deadLetters = 0;

  constructor(lanes: readonly Lane[], letters: FakeBus, random: () => number) {
    for (const lane of lanes)
      for (const name of [lane.queue, lane.overQueue]) this.#lanes.set(name, lane);
    this.#letters = letters;
    this.#random = random;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  send(queue: string, message: OutgoingMessage, nowMs: number): void {
    const key = `${queue}/${message.messageId}`;
    if (!this.#lanes.has(queue) || this.#known.has(key)) return;
    this.#known.add(key);
    const availableAt = message.scheduledAt ?? nowMs;
    this.#messages.push({
      queue,
      messageId: message.messageId,
      body: JSON.parse(JSON.stringify(message.body)),
      availableAt,
      expiresAt: availableAt + (message.timeToLiveMs ?? Number.POSITIVE_INFINITY),
      deliveries: 0,
      lock: undefined,
    });
  }

  /** Gives the worker what it may have now, in any order. */
  deliver(worker: Worker, nowMs: number): void {
    let running = 0;
    for (const message of this.#messages) {
      if (message.lock && this.#isLocked(message, nowMs)) running += 1;
    }
    this.#messages = this.#messages.filter((message) => message.lock || message.expiresAt > nowMs);
    const ready = this.#messages.filter((each) => !each.lock && each.availableAt <= nowMs);
    for (const message of ready.sort(() => this.#random() - 0.5)) {
      if (running++ < MOST_AT_ONCE) this.#start(message, worker, nowMs);
    }
  }

  /** Whether somebody still has it; what is lost goes back, or to the dead letters. */
  #isLocked(message: Message, nowMs: number): boolean {
    const { lock } = message;
    if (!lock) return false;
    if (lock.isHeld()) lock.until = nowMs + LOCK_MS;
    if (lock.until > nowMs && this.#random() >= this.doubled / 10) return true;
    this.#giveBack(message);
    return false;
  }

  #start(message: Message, worker: Worker, nowMs: number): void {
    const lane = this.#lanes.get(message.queue);
    if (!lane) return;
    let isOver = false;
    const lock: Lock = { until: nowMs + LOCK_MS, isHeld: () => !isOver && !worker.isDead };
    message.lock = lock;
    message.deliveries += 1;
    const { queue, messageId, body, deliveries: deliveryCount } = message;
    worker.run(lane, { queue, messageId, body, deliveryCount }).then(
      () => {
        isOver = true;
        // The word that it is done may be lost as any other.
        if (message.lock === lock && this.#random() >= this.doubled) this.#remove(message);
      },
      () => {
        isOver = true;
        if (message.lock === lock) this.#giveBack(message);
      },
    );
  }

  #giveBack(message: Message): void {
    message.lock = undefined;
    const most = this.#lanes.get(message.queue)?.maxDeliveryCount ?? 1;
    if (message.deliveries < most) return;
    this.#remove(message);
    this.deadLetters += 1;
    this.#letters.lettersOf(message.queue).add(message.body);
  }

  #remove(message: Message): void {
    this.#messages = this.#messages.filter((each) => each !== message);
  }
}
