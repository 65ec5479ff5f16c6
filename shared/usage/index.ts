export type { AnswerUsage, UsageProvenance } from "./answer-usage.ts";
export { isEventStream } from "./is-event-stream.ts";
export { TOKEN_COUNTS } from "./token-usage.ts";
export type { UsageEvent, UsageKind } from "./usage-event.ts";
export { UsageReader } from "./usage-reader.ts";
export { withUsageWish } from "./with-usage-wish.ts";
export { WithoutUsageChunk, withoutNullUsage } from "./without-usage-chunk.ts";
