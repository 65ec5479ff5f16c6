import { randomUUID } from "node:crypto";
import { encodeDelivery } from "../amqp/delivery-bytes.ts";
import { tokenToUuid } from "../amqp/lock-token.ts";
import { type Typed, types } from "../amqp/rhea.ts";
import { mapOf } from "../amqp/typed.ts";
import type { Delivery } from "../entity/consumer.ts";
import { MAX_PEEK_MESSAGES } from "../limits.ts";
import { heldSession } from "./message-locks.ts";
import { NOTHING, type Operation, queueOf, targetOf } from "./operation.ts";

// The settle mode of a receiver that settles second: peek-lock.
const PEEK_LOCK = 1;

/** Shows messages, scheduled and deferred ones too, without locking them. */
export const peekMessage: Operation = (context) => {
  const { body } = context;
  const limit = Math.min(Math.max(body.number("message-count"), 0), MAX_PEEK_MESSAGES);
  const sessionId = body.optionalText("session-id");
  const from = body.number("from-sequence-number");
  const deliveries = targetOf(context).peek({ from, limit, sessionId });
  if (deliveries.length === 0) return NOTHING;
  return { status: 200, body: messagesOf(deliveries, () => ({})) };
};

/** Receives deferred messages by their sequence numbers. */
export const receiveBySequenceNumber: Operation = (context) => {
  const queue = queueOf(context);
  const settleMode =
    context.body.number("receiver-settle-mode") === PEEK_LOCK ? "peekLock" : "receiveAndDelete";
  const session = heldSession(queue, context);
  const numbers = context.body.numbers("sequence-numbers");
  const deliveries = queue.receiveDeferred(numbers, { settleMode, session });
  const body = messagesOf(deliveries, ({ lock }) => ({
    "lock-token": types.wrap_uuid(tokenToUuid(lock?.token ?? randomUUID())),
  }));
  return { status: 200, body };
};

function messagesOf(
  deliveries: readonly Delivery[],
  extra: (delivery: Delivery) => Record<string, Typed>,
): Typed {
  const messages = deliveries.map((delivery) => {
    const message = types.wrap_binary(encodeDelivery(delivery.content, delivery.broker));
    return mapOf({ ...extra(delivery), message });
  });
  return mapOf({ messages: types.wrap_list(messages) });
}
