import { type BrokerError, notAllowed, quotaExceeded } from "../amqp/errors.ts";
import type { IncomingMessage } from "../amqp/incoming-message.ts";
import { quotaBytes } from "./message-index.ts";
import type { EntitySettings } from "./settings.ts";

interface Holder {
  readonly path: string;
  readonly settings: EntitySettings;
  readonly usedBytes: number;
}

/** Why these messages, together, find no room; undefined when they do. */
export function quotaRefusal(
  { path, settings, usedBytes }: Holder,
  messages: readonly IncomingMessage[],
): BrokerError | undefined {
  const { maxSizeBytes } = settings;
  const bytes = messages.reduce((sum, message) => sum + quotaBytes(message), usedBytes);
  if (bytes <= maxSizeBytes) return undefined;
  return quotaExceeded(
    `The maximum entity size has been reached or exceeded for '${path}': ${bytes} of ${maxSizeBytes} bytes.`,
  );
}

/** Why these messages cannot be sent to an entity with sessions; undefined when they can. */
export function sessionRefusal(
  { path, settings }: Holder,
  messages: readonly IncomingMessage[],
): BrokerError | undefined {
  if (!settings.requiresSession) return undefined;
  if (messages.every(({ sessionId }) => sessionId !== undefined)) return undefined;
  return notAllowed(
    `The SessionId was not set on a message, and it cannot be sent to the entity '${path}', which requires sessions.`,
  );
}
