import type { HeaderList } from "../core/headers.ts";
import type { LimitedSubject } from "./limits.ts";
import type { SubjectUse } from "./subject-use.ts";

/** A duration as OpenAI's clients read it: `6m0s`, `1.5s`, `120ms`. */
export function toGoDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.ceil(durationMs)}ms`;
  const minutes = Math.floor(durationMs / 60_000);
  const seconds = Math.ceil(durationMs - minutes * 60_000) / 1000;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** The `x-ratelimit-*` headers that OpenAI's clients know, for one subject's limits of a minute. */
export function rateLimitHeaders(
  { limits }: LimitedSubject,
  use: SubjectUse,
  nowMs: number,
): HeaderList {
  const here = use.local(nowMs);
  const reset = use.resetMs(nowMs);
  return [
    ...rows("requests", limits.requestsPerMinute, {
      used: here.requestsInMinute + use.remote.requestsInMinute,
      resetMs: reset.requests,
    }),
    ...rows("tokens", limits.tokensPerMinute, {
      used: here.tokensInMinute + use.remote.tokensInMinute,
      resetMs: reset.tokens,
    }),
  ];
}

function rows(
  what: "requests" | "tokens",
  limit: number | undefined,
  { used, resetMs }: { used: number; resetMs: number },
): HeaderList {
  if (limit === undefined) return [];
  return [
    [`x-ratelimit-limit-${what}`, String(limit)],
    [
      `x-ratelimit-remaining-${what}`,
      String(Math.min(limit, Math.max(0, Math.floor(limit - used)))),
    ],
    [`x-ratelimit-reset-${what}`, toGoDuration(resetMs)],
  ];
}
