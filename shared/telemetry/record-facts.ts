import type { TokenUsage } from "../core/domain.ts";
import type { TelemetryEvent } from "./events.ts";
import type { LoggedExchange } from "./logged-exchange.ts";

/** Where in a trace something happened, and when; times are milliseconds, `startedAt` since the epoch. */
export interface SpanFacts {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly isSampled?: boolean;
  readonly startedAt?: number;
}

/** The record of a request that has ended: `request.ended`. */
export interface RequestFacts extends SpanFacts {
  readonly requestId: string;
  readonly kind: "request" | "accepted" | "job" | "line";
  readonly method: string;
  readonly path?: string;
  readonly operation?: string;
  readonly provider?: string;
  readonly requestModel?: string;
  readonly outputType?: string;
  readonly user?: string;
  readonly group?: string;
  readonly priority?: number;
  readonly isAsync?: boolean;
  readonly status?: number;
  readonly code?: string;
  /** What the gateway's own error told its caller. */
  readonly detail?: string;
  readonly attempts: number;
  readonly backend?: string;
  readonly waitMs: number;
  readonly processMs: number;
  readonly totalMs: number;
  readonly firstByteMs?: number;
  readonly isWhole: boolean;
  readonly model?: string;
  readonly responseId?: string;
  readonly finishReasons?: readonly string[];
  readonly serviceTier?: string;
  readonly tokens?: TokenUsage;
  readonly usage?: string;
  /** When its time to live is over; epoch milliseconds. */
  readonly expiresAt?: number;
  /** Only where the event log is kept. */
  readonly exchange?: LoggedExchange;
}

/** The record of a call to a backend: `attempt.ended`. */
export interface AttemptFacts extends SpanFacts {
  readonly requestId: string;
  readonly attempt: number;
  readonly backend: string;
  readonly tier: number;
  /** The class of its request. */
  readonly priority: number;
  /** When it began, from the arrival of its request on. */
  readonly atMs: number;
  /** Until its answer began. */
  readonly tookMs: number;
  /** Until its answer was over. */
  readonly totalMs: number;
  /** Until the first bytes of an answer that is told as it is made. */
  readonly firstChunkMs?: number;
  readonly status: number;
  readonly outcome: string;
  readonly method: string;
  readonly origin: string;
  readonly path: string;
  readonly operation?: string;
  readonly provider?: string;
  readonly requestModel?: string;
  readonly outputType?: string;
  readonly isSpilled: boolean;
  /** Absent where there was no answer for anybody. */
  readonly isWhole?: boolean;
  readonly model?: string;
  readonly responseId?: string;
  readonly finishReasons?: readonly string[];
  readonly serviceTier?: string;
  readonly tokens?: TokenUsage;
  readonly usage?: string;
}

/** The record of a message on its way to a worker (`message.sent`), or with one (`message.ended`). */
export interface MessageFacts extends SpanFacts {
  readonly requestId?: string;
  readonly messageId: string;
  readonly queue: string;
  readonly tookMs: number;
  readonly isSent?: boolean;
  readonly isDone?: boolean;
  readonly deliveryCount?: number;
}

/** What went wrong with a call, as `error.type` has it; undefined where nothing did. */
export function errorOf(status: number, outcome: string): string | undefined {
  if (status >= 400) return String(status);
  return outcome === BROKEN ? BROKEN : undefined;
}

const BROKEN = "broken";

// Records are written by the gateway alone: who reads them knows what is in them.
/** The facts of a `request.ended`. */
export const requestFacts = (event: TelemetryEvent): RequestFacts =>
  event as unknown as RequestFacts;
/** The facts of an `attempt.ended`. */
export const attemptFacts = (event: TelemetryEvent): AttemptFacts =>
  event as unknown as AttemptFacts;
/** The facts of a `message.sent`, or a `message.ended`. */
export const messageFacts = (event: TelemetryEvent): MessageFacts =>
  event as unknown as MessageFacts;
