import type { BackendId, PriorityClass, TokenUsage } from "../core/domain.ts";
import type { UsageProvenance } from "./answer-usage.ts";

/** Whether a backend gave an answer, or failed to give one: the two are never added up. */
export type UsageKind = "answer" | "attempt";

/** What one call to a backend used, and for whom. */
export interface UsageEvent {
  /** Its own. */
  readonly id: string;
  /** It may be noted again under the same id, and counts once all the same. */
  readonly mayComeAgain?: true | undefined;
  /** Its provider's name for work in the background, of which anybody may be told: it counts for the first. */
  readonly work?: string | undefined;
  readonly kind: UsageKind;
  /** Epoch milliseconds; says to which hour it counts. */
  readonly endedAt: number;
  /** When it was noted, where that is not when it ended. */
  readonly toldAt?: number | undefined;
  readonly requestId: string;
  readonly user: string;
  readonly group?: string | undefined;
  readonly model?: string | undefined;
  readonly backend: BackendId;
  readonly priority: PriorityClass;
  readonly status: number;
  readonly provenance: UsageProvenance;
  /** Which of its provider's tiers served it; absent for the usual one. */
  readonly serviceTier?: string | undefined;
  readonly tokens?: TokenUsage | undefined;
}
