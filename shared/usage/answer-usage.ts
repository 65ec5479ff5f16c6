import type { TokenUsage } from "../core/domain.ts";

/**
 * How far a count can be trusted: `reported` by the backend; `estimated` by counting the text; `partial`
 * where the answer was cut, so that the backend's own count was never seen; `unknown`.
 */
export type UsageProvenance = "reported" | "estimated" | "partial" | "unknown";

/** What one answer cost, as far as it is known when it ends. */
export interface AnswerUsage {
  readonly provenance: UsageProvenance;
  readonly tokens: TokenUsage | undefined;
  /** The model as the answer names it. */
  readonly model: string | undefined;
  readonly responseId: string | undefined;
  /** Why each of its parts ended, in the provider's words. */
  readonly finishReasons?: readonly string[] | undefined;
  /** Which of its provider's tiers served it, in the provider's word, in lower case. */
  readonly serviceTier?: string | undefined;
  /** When its provider began it in the background, and shows it to who asks; epoch milliseconds. */
  readonly backgroundSince?: number | undefined;
  /** What was said, where a count of it is still wanted; never logged or stored. */
  readonly uncounted: UncountedText | undefined;
}

/** Text whose tokens nobody has counted. */
export interface UncountedText {
  readonly text: string;
  /** How many times longer the whole is than `text`. */
  readonly scale: number;
}
