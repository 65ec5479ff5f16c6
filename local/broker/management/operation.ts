import type { Clock } from "../../../shared/core/clock.ts";
import { notAllowed } from "../amqp/errors.ts";
import type { Typed } from "../amqp/rhea.ts";
import type { MessageQueue } from "../entity/message-queue.ts";
import type { SendTarget } from "../entity/send-target.ts";
import type { Entity } from "../namespace.ts";
import type { RequestBody } from "./request-body.ts";

/** What an operation is asked to do, and on what. */
export interface OperationContext {
  readonly entity: Entity;
  readonly body: RequestBody;
  readonly clock: Clock;
}

/** An operation's success; without a result it is 204, "no content". */
export interface OperationResult {
  readonly status: 200 | 204;
  readonly body?: Typed;
}

/** One management operation; it throws a `BrokerError` when it cannot. */
export type Operation = (context: OperationContext) => OperationResult;

export const DONE: OperationResult = { status: 200 };
export const NOTHING: OperationResult = { status: 204 };

/** The entity as what holds messages to receive. */
export function queueOf({ entity }: OperationContext): MessageQueue {
  if (entity.kind !== "topic") return entity.queue;
  throw notAllowed(`'${entity.topic.path}' is a topic: messages are received from subscriptions.`);
}

/** The entity as what keeps messages that were sent to it. */
export function targetOf({ entity }: OperationContext): SendTarget {
  return entity.kind === "topic" ? entity.topic : entity.queue;
}
