import type * as z from "zod";
import { integer } from "./values.ts";

const MAX_COUNT = 1_000_000_000_000;
const limit = integer(1, MAX_COUNT).optional();

/** Settings of what callers may use who have no profile. */
export const limitsShape = {
  GATEWAY_LIMITS_REQUESTS_PER_MINUTE: limit,
  GATEWAY_LIMITS_TOKENS_PER_MINUTE: limit,
  GATEWAY_LIMITS_TOKENS_PER_DAY: limit,
  GATEWAY_LIMITS_CONCURRENT: limit,
  GATEWAY_LIMITS_QUEUED: limit,
};

/** How much each caller without a profile may use; an absent limit is none. */
export interface DefaultLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly tokensPerDay?: number;
  readonly concurrentRequests?: number;
  readonly queuedRequests?: number;
}

type RawLimits = z.infer<z.ZodObject<typeof limitsShape>>;

/** The limits' part of the settings. */
export function toDefaultLimits(raw: RawLimits): DefaultLimits {
  const limits = {
    requestsPerMinute: raw.GATEWAY_LIMITS_REQUESTS_PER_MINUTE,
    tokensPerMinute: raw.GATEWAY_LIMITS_TOKENS_PER_MINUTE,
    tokensPerDay: raw.GATEWAY_LIMITS_TOKENS_PER_DAY,
    concurrentRequests: raw.GATEWAY_LIMITS_CONCURRENT,
    queuedRequests: raw.GATEWAY_LIMITS_QUEUED,
  };
  return Object.freeze(
    Object.fromEntries(Object.entries(limits).filter(([, count]) => count !== undefined)),
  );
}
