import type { IncomingMessage } from "../amqp/incoming-message.ts";
import type { MessageQueue } from "../entity/message-queue.ts";
import type { Rules } from "./rules.ts";

/** A queue that gets a copy of what its rules let through. Scope: one broker process. */
export class Subscription {
  readonly queue: MessageQueue;
  readonly rules: Rules;

  constructor(queue: MessageQueue, rules: Rules) {
    this.queue = queue;
    this.rules = rules;
  }

  /** Stores a copy of a topic's message, unless no rule wants it. */
  offer(message: IncomingMessage, topicSequenceNumber: number): void {
    if (this.rules.matches(message)) this.queue.acceptCopy(message, topicSequenceNumber);
  }
}
