import { type HeaderList, withoutHeaders } from "../core/headers.ts";
import type { LimitBook } from "./limit-book.ts";
import type { LimitedSubject } from "./limits.ts";

/** A duration as OpenAI's clients read it: `6m0s`, `1.5s`, `120ms`. */
export function toGoDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.ceil(durationMs)}ms`;
  const minutes = Math.floor(durationMs / 60_000);
  const seconds = Math.ceil(durationMs - minutes * 60_000) / 1000;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

interface Room {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

/**
 * The `x-ratelimit-*` headers that OpenAI's clients know, for the limits of a minute: of requests and of
 * tokens, each as the subject has it who has the least left.
 */
export function rateLimitHeaders(
  subjects: readonly LimitedSubject[],
  book: Pick<LimitBook, "find">,
  nowMs: number,
): HeaderList {
  return (["requests", "tokens"] as const).flatMap((what) => {
    const rooms = subjects.flatMap((subject) => roomOf(subject, { what, book, nowMs }));
    const [least] = rooms.sort((a, b) => a.remaining - b.remaining);
    return least ? rows(what, least) : [];
  });
}

/** An answer's headers with those of the caller in the place of the backend's own, which nobody could tell apart. */
export function withRateLimits(headers: HeaderList, own: HeaderList): HeaderList {
  if (own.length === 0) return headers;
  const names = new Set(own.map(([name]) => name));
  return [...withoutHeaders(headers, (name) => names.has(name)), ...own];
}

/** An answer's headers for who reads it later, when what they say of limits is no longer so. */
export const withoutRateLimits = (headers: HeaderList): HeaderList =>
  withoutHeaders(headers, (name) => name.startsWith("x-ratelimit-"));

interface Asked {
  readonly what: "requests" | "tokens";
  readonly book: Pick<LimitBook, "find">;
  readonly nowMs: number;
}

function roomOf({ id, limits }: LimitedSubject, { what, book, nowMs }: Asked): Room[] {
  const limit = what === "requests" ? limits.requestsPerMinute : limits.tokensPerMinute;
  const use = book.find(id);
  if (limit === undefined || !use) return [];
  const [here, elsewhere] = [use.local(nowMs), use.remote];
  const used =
    what === "requests"
      ? here.requestsInMinute + elsewhere.requestsInMinute
      : here.tokensInMinute + elsewhere.tokensInMinute;
  const remaining = Math.min(limit, Math.max(0, Math.floor(limit - used)));
  return [{ limit, remaining, resetMs: use.resetMs(nowMs)[what] }];
}

function rows(what: Asked["what"], { limit, remaining, resetMs }: Room): HeaderList {
  return [
    [`x-ratelimit-limit-${what}`, String(limit)],
    [`x-ratelimit-remaining-${what}`, String(remaining)],
    [`x-ratelimit-reset-${what}`, toGoDuration(resetMs)],
  ];
}
