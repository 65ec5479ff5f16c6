export type { AnswerUsage, UncountedText, UsageProvenance } from "./answer-usage.ts";
export type { TokenUsage } from "./token-usage.ts";
export { UsageReader } from "./usage-reader.ts";
