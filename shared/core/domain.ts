/** A priority class: 1 is the most urgent; which classes exist is said by the lanes document. */
export type PriorityClass = number;

/** Stable name of a backend within one set of settings (`Host1`, `Host2`, ...); never shown to clients. */
export type BackendId = string;

/** Makes an identifier that no other call makes. Never valid JSON, because the Functions worker parses ids that are. */
export type NewId = () => string;

/** A number in [0, 1). */
export type Random = () => number;

/**
 * Tokens of one answer, in the terms of OpenTelemetry's `gen_ai.usage`. What an answer did not say is
 * absent; zero was said.
 */
export interface TokenUsage {
  /** The whole prompt: what came from a cache and what went into one included. */
  readonly inputTokens?: number;
  /** The whole answer: reasoning included. */
  readonly outputTokens?: number;
  readonly totalTokens?: number;
  readonly cacheReadInputTokens?: number;
  readonly cacheCreationInputTokens?: number;
  readonly reasoningOutputTokens?: number;
  readonly audioInputTokens?: number;
  readonly audioOutputTokens?: number;
}

/** By what use may be told apart. */
export const USAGE_GROUPS = [
  "user",
  "group",
  "model",
  "backend",
  "class",
  "provenance",
  "serviceTier",
  "day",
  "hour",
] as const;

export type UsageGroup = (typeof USAGE_GROUPS)[number];
