import type { BrokerAnnotations } from "../amqp/delivery-bytes.ts";
import type { BrokerError } from "../amqp/errors.ts";
import type { MessageContent } from "../amqp/incoming-message.ts";
import type { MessageLock } from "./locks.ts";

/** A message on its way to a consumer; without a lock it is already gone from the entity. */
export interface Delivery {
  readonly content: MessageContent;
  readonly broker: BrokerAnnotations;
  readonly lock: MessageLock | undefined;
}

/** Who takes messages from an entity: a link, or a test. */
export interface Consumer {
  readonly settleMode: "peekLock" | "receiveAndDelete";
  /** Takes one credit, if there is one; exactly one `deliver` follows. */
  takeCredit(): boolean;
  deliver(delivery: Delivery): void;
}

/** A consumer that holds a session. */
export interface SessionConsumer extends Consumer {
  /** The session's lock is gone, for the given reason. */
  sessionLost(reason: BrokerError): void;
}
