import {
  DEFAULT_DUPLICATE_WINDOW_MS,
  DEFAULT_LOCK_DURATION_MS,
  DEFAULT_MAX_DELIVERY_COUNT,
  DEFAULT_MAX_MESSAGE_KILOBYTES,
  DEFAULT_MAX_SIZE_MEGABYTES,
  kilobytes,
  megabytes,
} from "../limits.ts";

/** An entity's definition with every default filled in. */
export interface EntitySettings {
  readonly lockDurationMs: number;
  readonly maxDeliveryCount: number;
  readonly defaultTtlMs: number;
  readonly deadLetteringOnMessageExpiration: boolean;
  readonly requiresSession: boolean;
  readonly requiresDuplicateDetection: boolean;
  readonly duplicateWindowMs: number;
  readonly maxSizeBytes: number;
  readonly maxMessageBytes: number;
}

/** The settings that a definition may carry, with the names of the Azure resource. */
export interface EntityDefinition {
  readonly lockDurationMs?: number;
  readonly maxDeliveryCount?: number;
  readonly defaultMessageTimeToLiveMs?: number;
  readonly deadLetteringOnMessageExpiration?: boolean;
  readonly requiresSession?: boolean;
  readonly requiresDuplicateDetection?: boolean;
  readonly duplicateDetectionHistoryTimeWindowMs?: number;
  readonly maxSizeInMegabytes?: number;
  readonly maxMessageSizeInKilobytes?: number;
}

/** Fills in the defaults of a definition. */
export function toSettings(definition: EntityDefinition): EntitySettings {
  const {
    lockDurationMs = DEFAULT_LOCK_DURATION_MS,
    maxDeliveryCount = DEFAULT_MAX_DELIVERY_COUNT,
    defaultMessageTimeToLiveMs = Number.POSITIVE_INFINITY,
    deadLetteringOnMessageExpiration = false,
    requiresSession = false,
    requiresDuplicateDetection = false,
    duplicateDetectionHistoryTimeWindowMs = DEFAULT_DUPLICATE_WINDOW_MS,
    maxSizeInMegabytes = DEFAULT_MAX_SIZE_MEGABYTES,
    maxMessageSizeInKilobytes = DEFAULT_MAX_MESSAGE_KILOBYTES,
  } = definition;
  return {
    lockDurationMs,
    maxDeliveryCount,
    defaultTtlMs: defaultMessageTimeToLiveMs,
    deadLetteringOnMessageExpiration,
    requiresSession,
    requiresDuplicateDetection,
    duplicateWindowMs: duplicateDetectionHistoryTimeWindowMs,
    maxSizeBytes: megabytes(maxSizeInMegabytes),
    maxMessageBytes: kilobytes(maxMessageSizeInKilobytes),
  };
}

/** A dead-letter queue neither expires nor dead-letters its messages again, and has no sessions. */
export function toDeadLetterSettings(settings: EntitySettings): EntitySettings {
  return {
    ...settings,
    maxDeliveryCount: Number.POSITIVE_INFINITY,
    defaultTtlMs: Number.POSITIVE_INFINITY,
    deadLetteringOnMessageExpiration: false,
    requiresSession: false,
    requiresDuplicateDetection: false,
  };
}
