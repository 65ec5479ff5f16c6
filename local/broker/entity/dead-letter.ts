import { type PropertyEntries, setApplicationProperties } from "../amqp/application-properties.ts";
import type { MessageContent } from "../amqp/incoming-message.ts";
import { types } from "../amqp/rhea.ts";

/** Why a message goes to the dead-letter queue. */
export interface DeadLetterReason {
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
  readonly properties?: PropertyEntries;
}

export const EXPIRED: DeadLetterReason = {
  reason: "TTLExpiredException",
  description: "The message expired and was dead lettered.",
};

/** The service's words for a subscription with sessions that gets a message without one. */
export const SESSION_ID_MISSING: DeadLetterReason = {
  reason: "Session ID is null.",
  description: "Session enabled entity doesn't allow a message whose session identifier is null.",
};

export const deliveriesExceeded = (deliveryCount: number): DeadLetterReason => ({
  reason: "MaxDeliveryCountExceeded",
  description: `Message could not be consumed after ${deliveryCount} delivery attempts.`,
});

/** A message's content with the reason written into its application properties. */
export function withReason(content: MessageContent, why: DeadLetterReason): MessageContent {
  const entries = [
    ...(why.properties ?? []),
    ...textEntry("DeadLetterReason", why.reason),
    ...textEntry("DeadLetterErrorDescription", why.description),
  ];
  return { ...content, tail: setApplicationProperties(content.tail, entries) };
}

const textEntry = (key: string, value: string | undefined): PropertyEntries =>
  value === undefined ? [] : [[key, types.wrap_string(value)]];
