import type { Settings } from "../config/index.ts";
import type { PriorityClass } from "../core/domain.ts";
import type { ErrorCode } from "../core/errors.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import type { RequestBody } from "../core/http.ts";
import { asyncWish } from "./async-wish.ts";
import { wantsBackground } from "./serving-mode.ts";
import { parseTimeToLive } from "./time-to-live.ts";

/** What an admitted request may count on. */
export interface Ticket {
  readonly priority: PriorityClass;
  /** Epoch milliseconds after which nobody waits for the answer any more. */
  readonly expiresAt: number;
  /** How long one backend may take to begin its answer, in milliseconds. */
  readonly attemptTimeoutMs: number;
  /** When and how the request becomes a job; absent where it must not. */
  readonly promotion?: Promotion;
}

/** How a request becomes a job while its answer has not begun. */
export interface Promotion {
  /** Whether the caller asked for it; otherwise it happens only before the platform cuts the connection. */
  readonly isAsked: boolean;
  /** Epoch milliseconds at which the caller gets a 202; not later than its arrival: at once. */
  readonly at: number;
  /** Epoch milliseconds until which the job lives. */
  readonly expiresAt: number;
  /** What was preferred and is to be confirmed. */
  readonly preference?: string;
}

export type Admission =
  | { readonly admitted: true; readonly ticket: Ticket }
  | { readonly admitted: false; readonly code: ErrorCode; readonly detail: string };

const MAX_ATTEMPT_TIMEOUT_MS = 86_400_000;

const refuse = (code: ErrorCode, detail: string): Admission => ({ admitted: false, code, detail });

/** Decides whether a request may enter, and with what priority, deadline and mode. */
export function admit(headers: HeaderList, receivedAt: number, settings: Settings): Admission {
  const ttl = headerValue(headers, settings.ttlHeader);
  const statedExpiry = ttl === undefined ? undefined : parseTimeToLive(ttl, receivedAt);
  if (ttl !== undefined && statedExpiry === undefined) {
    return refuse("invalid-ttl", `The header ${settings.ttlHeader} cannot be read as a time.`);
  }
  const expiresAt = statedExpiry ?? receivedAt + settings.defaultTtlMs;
  if (expiresAt <= receivedAt) {
    return refuse("ttl-expired", `The time in the header ${settings.ttlHeader} has passed.`);
  }
  const attemptTimeoutMs = readTimeout(headers, settings);
  if (attemptTimeoutMs === undefined) {
    return refuse(
      "invalid-timeout",
      `The header ${settings.timeoutHeader} is not a positive number of milliseconds.`,
    );
  }
  const ticket = { priority: priorityOf(headers, settings), expiresAt, attemptTimeoutMs };
  const jobExpiry = statedExpiry ?? receivedAt + settings.asyncTtlMs;
  const promotion = promotionOf(headers, { receivedAt, expiresAt, jobExpiry }, settings);
  return { admitted: true, ticket: promotion ? { ...ticket, promotion } : ticket };
}

/**
 * The ticket of a request that is a job, or will be one unless it is answered first: it lives as long
 * as jobs do, and its backends have their time.
 */
export function asJobTicket(ticket: Ticket, headers: HeaderList, settings: Settings): Ticket {
  const { promotion } = ticket;
  if (!promotion) return ticket;
  const isStated = headerValue(headers, settings.timeoutHeader) !== undefined;
  const attemptTimeoutMs = isStated ? ticket.attemptTimeoutMs : settings.asyncTimeoutMs;
  return { ...ticket, expiresAt: promotion.expiresAt, attemptTimeoutMs };
}

interface Times {
  readonly receivedAt: number;
  /** When the request expires while it is none, and when the job does. */
  readonly expiresAt: number;
  readonly jobExpiry: number;
}

function promotionOf(
  headers: HeaderList,
  { receivedAt, expiresAt, jobExpiry }: Times,
  { asyncHeader, asyncTriggerMs, asyncWallMs }: Settings,
): Promotion | undefined {
  const wish = asyncWish(headers, asyncHeader);
  if (wish.kind === "refused") return undefined;
  const wallAt = asyncWallMs === 0 ? Number.POSITIVE_INFINITY : receivedAt + asyncWallMs;
  if (wish.kind === "asked") {
    const { preference } = wish;
    const isWaitGiven = wish.waitMs !== undefined || preference !== undefined;
    const waitMs = isWaitGiven ? (wish.waitMs ?? 0) : asyncTriggerMs;
    return {
      isAsked: true,
      at: Math.min(receivedAt + waitMs, wallAt),
      expiresAt: jobExpiry,
      ...(preference === undefined ? {} : { preference }),
    };
  }
  // One that expires before the wall is told so in time.
  return wallAt < expiresAt ? { isAsked: false, at: wallAt, expiresAt: jobExpiry } : undefined;
}

/** The class of a request: that of the key which it shows, or that of those who show none. */
export function priorityOf(headers: HeaderList, { priority }: Settings): PriorityClass {
  const key = headerValue(headers, priority.header)?.trim().toLowerCase();
  return (key && priority.classByKey.get(key)) || priority.defaultClass;
}

function readTimeout(headers: HeaderList, settings: Settings): number | undefined {
  const text = headerValue(headers, settings.timeoutHeader);
  if (text === undefined) return settings.attemptTimeoutMs;
  const value = /^\s*\d+\s*$/.test(text) ? Number(text) : 0;
  return value > 0 && value <= MAX_ATTEMPT_TIMEOUT_MS ? value : undefined;
}

/**
 * Whether a request becomes a job without waiting for an ordinary answer first: it said so, or what
 * comes at once is word that the work has begun, and not the answer that was asked for.
 */
export function isJobAtOnce(
  { promotion }: Pick<Ticket, "promotion">,
  { headers, receivedAt }: { readonly headers: HeaderList; readonly receivedAt: number },
  body: RequestBody | undefined,
): boolean {
  if (promotion?.isAsked !== true) return false;
  return promotion.at <= receivedAt || wantsBackground(headers, body);
}
