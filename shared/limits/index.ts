export { estimateTokens } from "./estimate-tokens.ts";
export { type Correction, LimitBook, type Reservation, type Reserving } from "./limit-book.ts";
export { isNeverAdmitted, type LimitRefusal, LimitTurns } from "./limit-turns.ts";
export type { LimitClaim, LimitedSubject, LimitName, Limits, RemoteUse } from "./limits.ts";
export { rateLimitHeaders } from "./rate-limit-headers.ts";
