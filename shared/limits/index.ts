export { AbandonedClaims } from "./abandoned-claims.ts";
export { estimateTokens, promptTokens, type TokenEstimate } from "./estimate-tokens.ts";
export { type Correction, LimitBook, type Reservation } from "./limit-book.ts";
export { type LimitTooSmall, LimitTurns, tooSmallLimit } from "./limit-turns.ts";
export type { LimitClaim, LimitedSubject, RemoteUse } from "./limits.ts";
export { PromptMeter } from "./prompt-meter.ts";
export { rateLimitHeaders, withoutRateLimits, withRateLimits } from "./rate-limit-headers.ts";
