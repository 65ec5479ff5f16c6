const MANAGEMENT = "/$management";
const DEAD_LETTER = "/$deadletterqueue";
const TRANSFER = "/$transfer";

/** What a link's address names. */
export interface EntityAddress {
  /** The entity's path as the client wrote it, for messages to people. */
  readonly path: string;
  /** The path in lower case: entity names ignore case. */
  readonly key: string;
  readonly isManagement: boolean;
}

/**
 * Understands the address of a link. Clients write it as a bare path, with a leading slash and
 * percent-encoding (.NET), or as a whole `sb://host/path` URL.
 */
export function parseAddress(address: string): EntityAddress {
  const path = trimSlashes(decode(address.replace(/^(amqps?|sb):\/\/[^/]*/i, "")));
  const key = path.toLowerCase();
  if (!key.endsWith(MANAGEMENT)) return { path, key, isManagement: false };
  const length = path.length - MANAGEMENT.length;
  return { path: path.slice(0, length), key: key.slice(0, length), isManagement: true };
}

/** Whether the path names the dead-letter queue of an entity. */
export const isDeadLetterKey = (key: string): boolean => key.endsWith(DEAD_LETTER);

/** Whether the path names a transfer dead-letter queue, which only auto-forwarding fills. */
export const isTransferKey = (key: string): boolean => key.includes(TRANSFER);

/** The path of an entity's dead-letter queue. */
export const deadLetterPath = (path: string): string => `${path}/$DeadLetterQueue`;

/** The path of a subscription. */
export const subscriptionPath = (topic: string, name: string): string =>
  `${topic}/Subscriptions/${name}`;

const trimSlashes = (path: string): string => path.replace(/^\/+|\/+$/g, "");

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
