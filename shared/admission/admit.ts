import type { Settings } from "../config/index.ts";
import type { PriorityClass } from "../core/domain.ts";
import type { ErrorCode } from "../core/errors.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import { wantsAsync } from "./serving-mode.ts";
import { parseTimeToLive } from "./time-to-live.ts";

/** What an admitted request may count on. */
export interface Ticket {
  readonly priority: PriorityClass;
  /** Epoch milliseconds after which nobody waits for the answer any more. */
  readonly expiresAt: number;
  /** How long one backend may take to begin its answer, in milliseconds. */
  readonly attemptTimeoutMs: number;
  readonly isAsync: boolean;
}

export type Admission =
  | { readonly admitted: true; readonly ticket: Ticket }
  | { readonly admitted: false; readonly code: ErrorCode; readonly detail: string };

const MAX_ATTEMPT_TIMEOUT_MS = 86_400_000;

const refuse = (code: ErrorCode, detail: string): Admission => ({ admitted: false, code, detail });

/** Decides whether a request may enter, and with what priority, deadline and mode. */
export function admit(headers: HeaderList, receivedAt: number, settings: Settings): Admission {
  const isAsync = wantsAsync(headers, settings.asyncHeader);
  const ttl = headerValue(headers, settings.ttlHeader);
  const defaultTtlMs = isAsync ? settings.asyncTtlMs : settings.defaultTtlMs;
  const expiresAt =
    ttl === undefined ? receivedAt + defaultTtlMs : parseTimeToLive(ttl, receivedAt);
  if (expiresAt === undefined) {
    return refuse("invalid-ttl", `The header ${settings.ttlHeader} cannot be read as a time.`);
  }
  if (expiresAt <= receivedAt) {
    return refuse("ttl-expired", `The time in the header ${settings.ttlHeader} has passed.`);
  }
  const attemptTimeoutMs = readTimeout(headers, isAsync, settings);
  if (attemptTimeoutMs === undefined) {
    return refuse(
      "invalid-timeout",
      `The header ${settings.timeoutHeader} is not a positive number of milliseconds.`,
    );
  }
  const priority = priorityOf(headers, settings);
  return { admitted: true, ticket: { priority, expiresAt, attemptTimeoutMs, isAsync } };
}

function priorityOf(headers: HeaderList, { priority }: Settings): PriorityClass {
  const key = headerValue(headers, priority.header)?.trim().toLowerCase();
  return (key && priority.classByKey.get(key)) || priority.defaultClass;
}

function readTimeout(
  headers: HeaderList,
  isAsync: boolean,
  settings: Settings,
): number | undefined {
  const text = headerValue(headers, settings.timeoutHeader);
  if (text === undefined) return isAsync ? settings.asyncTimeoutMs : settings.attemptTimeoutMs;
  const value = /^\s*\d+\s*$/.test(text) ? Number(text) : 0;
  return value > 0 && value <= MAX_ATTEMPT_TIMEOUT_MS ? value : undefined;
}
