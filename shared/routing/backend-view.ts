import type { HostSettings } from "../config/index.ts";
import type { PriorityClass } from "../core/domain.ts";
import type { BreakerView } from "./circuit-breaker.ts";

/** What is known of a backend at one moment: plain data, all that a selection looks at. */
export interface BackendView {
  readonly key: string;
  readonly host: HostSettings;
  readonly isHealthy: boolean;
  readonly breaker: BreakerView;
  /** Epoch milliseconds until which it asked to be left alone; 0 when it did not. */
  readonly throttledUntil: number;
  /** The most urgent class of which requests wait in line for it; undefined when none do. */
  readonly nextInLine: PriorityClass | undefined;
  readonly inFlight: number;
  /** Time to its first byte; undefined before anything was measured. */
  readonly latencyMs: number | undefined;
  /** Whether it is worth a call to learn how long it takes. */
  readonly isUntried: boolean;
  /** The part of its latest calls that failed, 0 to 1. */
  readonly failureRate: number;
  /** The part of its provisioned throughput that it said lately is in use; undefined where it says nothing. */
  readonly utilization?: number | undefined;
  /** Its standing in the weighted round; who stands highest is next. */
  readonly turn: number;
  /** Whether it may get one more retry. */
  readonly canRetry: boolean;
}

/** Why a backend is not called. */
export type PassedOverReason =
  | "class"
  | "tried"
  | "silent"
  | "context-window"
  | "tier"
  | "health"
  | "breaker"
  | "throttled"
  | "line"
  | "concurrency"
  | "retry-budget";

/**
 * A backend that is not called now, and when that may change (epoch milliseconds) where it is known:
 * of those that had their turn, only where they asked for no more than a moment.
 */
export interface PassedOver {
  readonly backend: string;
  readonly reason: PassedOverReason;
  readonly readyAt?: number;
}
