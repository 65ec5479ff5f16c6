import type { BrokerError } from "../amqp/errors.ts";
import type { IncomingMessage } from "../amqp/incoming-message.ts";
import type { Delivery } from "./consumer.ts";
import type { EntitySettings } from "./settings.ts";

/** What messages can be sent to: a queue or a topic. */
export interface SendTarget {
  readonly path: string;
  readonly settings: EntitySettings;
  /** Why these messages, together, cannot be accepted; undefined when they can. */
  refusal(messages: readonly IncomingMessage[]): BrokerError | undefined;
  /** Stores a message; returns its sequence number, or undefined for a duplicate. */
  accept(message: IncomingMessage): number | undefined;
  cancelScheduled(sequenceNumbers: readonly number[]): void;
  peek(range: { from: number; limit: number; sessionId?: string | undefined }): Delivery[];
}
