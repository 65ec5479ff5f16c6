import type { Consumer } from "./consumer.ts";
import { LazyHeap } from "./lazy-heap.ts";
import { isReady, type MessageRecord } from "./message-record.ts";

/** What a dispatcher needs of its queue. */
export interface DispatchTarget<Target> {
  /** Removes or dead-letters the message if its time is over; then it is not delivered. */
  expireIfDue(record: MessageRecord): boolean;
  /** Gives the message to a consumer whose credit is already taken. */
  hand(record: MessageRecord, target: Target): void;
}

/** Gives an entity's messages, in sequence order, to its consumers in turn. Scope: one process. */
export class PlainDispatcher {
  readonly #ready = new LazyHeap<MessageRecord>({
    keyOf: (record) => record.sequenceNumber,
    isLive: isReady,
  });
  readonly #queue: DispatchTarget<Consumer>;
  readonly #consumers: Consumer[] = [];
  #turn = 0;

  constructor(queue: DispatchTarget<Consumer>) {
    this.#queue = queue;
  }

  add(consumer: Consumer): void {
    this.#consumers.push(consumer);
    this.pump();
  }

  remove(consumer: Consumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at >= 0) this.#consumers.splice(at, 1);
  }

  /** Makes a message available; `pump` delivers it. */
  offer(record: MessageRecord): void {
    this.#ready.push(record);
  }

  /** Delivers as long as there are both messages and credit. */
  pump(): void {
    for (let record = this.#ready.peek(); record; record = this.#ready.peek()) {
      if (this.#queue.expireIfDue(record)) continue;
      const consumer = this.#takeConsumer();
      if (!consumer) return;
      this.#ready.pop();
      this.#queue.hand(record, consumer);
    }
  }

  #takeConsumer(): Consumer | undefined {
    for (let tried = 0; tried < this.#consumers.length; tried++) {
      const consumer = this.#consumers[this.#turn % this.#consumers.length];
      this.#turn = (this.#turn + 1) % this.#consumers.length;
      if (consumer?.takeCredit()) return consumer;
    }
    return undefined;
  }
}
