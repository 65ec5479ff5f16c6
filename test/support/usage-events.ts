import type { UsageEvent } from "../../shared/usage/index.ts";

/** Ten past nine in the morning of a day in November. */
export const USED_AT = Date.parse("2026-11-22T09:10:00Z");

/** An answer of 10 tokens to 5, or what a test makes of it. */
export function usageEvent(change: Partial<UsageEvent> & Pick<UsageEvent, "id">): UsageEvent {
  return {
    kind: "answer",
    endedAt: USED_AT,
    requestId: `request-${change.id}`,
    user: "ann",
    model: "gpt-4o",
    backend: "Host1",
    priority: 2,
    status: 200,
    provenance: "reported",
    tokens: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
    ...change,
  };
}
