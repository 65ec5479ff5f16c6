// Platform limits: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
// (Standard tier) and the defaults of a queue made without settings.

const KIBIBYTE = 1024;

/** Largest message, headers included, in the Standard tier. */
export const DEFAULT_MAX_MESSAGE_KILOBYTES = 256;
/** Largest message in the Premium tier. */
export const MAX_MESSAGE_KILOBYTES = 102_400;
/** Smallest quota that the service offers for an entity. */
export const DEFAULT_MAX_SIZE_MEGABYTES = 1024;
export const DEFAULT_LOCK_DURATION_MS = 60_000;
/** The service refuses a lock duration above five minutes. */
export const MAX_LOCK_DURATION_MS = 300_000;
export const DEFAULT_MAX_DELIVERY_COUNT = 10;
export const MAX_DELIVERY_COUNT = 2_000;
export const DEFAULT_DUPLICATE_WINDOW_MS = 600_000;

/**
 * Message bodies kept in memory by one broker, so that a message delivered soon after it was sent is
 * not read back from disk. Beyond it a body is read when it is delivered.
 */
export const BODY_CACHE_BYTES = 64 * KIBIBYTE * KIBIBYTE;
/**
 * Added to each message's size: its share of the in-memory index. The entity's quota therefore
 * bounds memory as well as disk.
 */
export const INDEX_ENTRY_BYTES = 256;

/** The frame size that Service Bus announces. */
export const MAX_FRAME_BYTES = 65_536;
export const IDLE_TIMEOUT_MS = 240_000;
/** Sessions on one connection, less one; the value that Service Bus announces. */
export const CHANNEL_MAX = 4_999;
/** Credit that a sending client holds: what it may have unsettled. */
export const SEND_CREDIT = 1_000;
/** Transfer frames a client may have under way on one AMQP session. */
export const SESSION_WINDOW_FRAMES = 2_048;
/** Bytes waiting in a socket above which no more messages are locked for it. */
export const SOCKET_HIGH_WATER_BYTES = KIBIBYTE * KIBIBYTE;
/** Responses that wait for a client that grants its response link no credit. */
export const MAX_WAITING_RESPONSES = 1_000;
/** Most messages that one peek returns. */
export const MAX_PEEK_MESSAGES = 1_000;
/** Bytes of messages in one peek above which it returns fewer than were asked for. */
export const MAX_PEEK_BYTES = 4 * KIBIBYTE * KIBIBYTE;
/** How long "next available session" waits when the client names no timeout; the SDKs' default. */
export const DEFAULT_SESSION_WAIT_MS = 60_000;
/** How long a closing broker waits for its clients to close their side. */
export const CLOSE_GRACE_MS = 500;

export const megabytes = (count: number): number => count * KIBIBYTE * KIBIBYTE;
export const kilobytes = (count: number): number => count * KIBIBYTE;
