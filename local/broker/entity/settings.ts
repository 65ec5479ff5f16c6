import { StartError } from "../../service.ts";
import {
  DEFAULT_DUPLICATE_WINDOW_MS,
  DEFAULT_LOCK_DURATION_MS,
  DEFAULT_MAX_DELIVERY_COUNT,
  DEFAULT_MAX_MESSAGE_KILOBYTES,
  DEFAULT_MAX_SIZE_MEGABYTES,
  kilobytes,
  MAX_DELIVERY_COUNT,
  MAX_LOCK_DURATION_MS,
  MAX_MESSAGE_KILOBYTES,
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

/** Fills in the defaults of an entity's definition; refuses what Service Bus would refuse. */
export function toSettings(path: string, definition: EntityDefinition): EntitySettings {
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
  checkRange(`lockDurationMs of "${path}"`, lockDurationMs, MAX_LOCK_DURATION_MS);
  checkRange(`maxDeliveryCount of "${path}"`, maxDeliveryCount, MAX_DELIVERY_COUNT);
  checkRange(
    `maxMessageSizeInKilobytes of "${path}"`,
    maxMessageSizeInKilobytes,
    MAX_MESSAGE_KILOBYTES,
  );
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

function checkRange(what: string, value: number, max: number): void {
  if (value >= 1 && value <= max) return;
  throw new StartError(`The ${what} is ${value}; Service Bus allows 1 to ${max}.`);
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
