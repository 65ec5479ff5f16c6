import type { BrokerAnnotations } from "../amqp/delivery-bytes.ts";
import type { MessageContent } from "../amqp/incoming-message.ts";
import type { MessageLock } from "./locks.ts";

/** States of a message, with the numbers that `x-opt-message-state` carries. */
export const STATE = { active: 0, deferred: 1, scheduled: 2 } as const;

export type MessageState = (typeof STATE)[keyof typeof STATE];

/** One message in an entity's index. Scope: one broker process; the store holds the truth. */
export interface MessageRecord {
  readonly sequenceNumber: number;
  readonly messageId: string;
  readonly sessionId: string | undefined;
  readonly sizeBytes: number;
  /** The number it had where it came from: topic, or queue before dead-lettering. */
  readonly enqueueSequenceNumber: number | undefined;
  readonly deadLetterSource: string | undefined;
  readonly ttlMs: number | undefined;
  state: MessageState;
  deliveryCount: number;
  /** For a scheduled message the time it became, or will become, active. */
  enqueuedAt: number;
  expiresAt: number | undefined;
  /** Absent when the body cache was full; then it is read from the store. */
  content: MessageContent | undefined;
  lock: MessageLock | undefined;
  isRemoved: boolean;
}

/** Whether a message waits to be delivered: active and with nobody. */
export const isReady = (record: MessageRecord): boolean =>
  record.state === STATE.active && !record.lock && !record.isRemoved;

/** What a delivery says of a message: a snapshot, for the record may change before it is written. */
export const toAnnotations = (
  record: MessageRecord,
  lockedUntil: number | undefined,
): BrokerAnnotations => ({
  deliveryCount: record.deliveryCount,
  sequenceNumber: record.sequenceNumber,
  enqueuedAt: record.enqueuedAt,
  state: record.state,
  lockedUntil,
  enqueueSequenceNumber: record.enqueueSequenceNumber,
  deadLetterSource: record.deadLetterSource,
});
