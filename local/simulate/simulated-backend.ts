import type { Random } from "../../shared/core/domain.ts";
import type { BackendModel } from "./backend-model.ts";
import { TokenBucket } from "./token-bucket.ts";

/** The sizes of a call. */
export interface CallSize {
  readonly contextTokens: number;
  readonly generatedTokens: number;
}

/** What a backend does with a call that it does not answer. Durations count from the call's begin. */
export type Trouble =
  | { readonly kind: "throttled"; readonly retryAfterMs: number }
  | { readonly kind: "failed"; readonly status: number; readonly afterMs: number }
  | { readonly kind: "refused" }
  | { readonly kind: "silence" };

/** What a backend does with a call that it takes. */
export interface Answering {
  readonly kind: "answered";
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

export type Reaction = Answering | Trouble;

/** What a backend has done so far. */
export interface BackendCounts {
  calls: number;
  answered: number;
  throttled: number;
  failed: number;
  /** Calls that the gateway gave up. */
  cancelled: number;
  promptTokens: number;
  outputTokens: number;
  /** What was used of its capacity: weighted tokens, or milliseconds of its places. */
  used: number;
}

const SERVER_ERROR = 500;
const OUT_OF_SERVICE = 503;
const MINUTE_MS = 60_000;
/** Errors come quickly. */
const ERROR_AFTER_MS = 20;

/** One backend that is computed instead of called. Scope: one simulation; all instances share it. */
export class SimulatedBackend {
  readonly model: BackendModel;
  readonly counts: BackendCounts = {
    calls: 0,
    answered: 0,
    throttled: 0,
    failed: 0,
    cancelled: 0,
    promptTokens: 0,
    outputTokens: 0,
    used: 0,
  };
  readonly #startedAt: number;
  readonly #bucket: TokenBucket | undefined;
  readonly #usedByMinute = new Map<number, number>();
  #running = 0;

  constructor(model: BackendModel, startedAt: number) {
    const { tokensPerMinute, burstSeconds } = model;
    this.model = model;
    this.#startedAt = startedAt;
    this.#bucket =
      tokensPerMinute === undefined
        ? undefined
        : new TokenBucket({ tokensPerMinute, burstSeconds }, startedAt);
  }

  /** Decides about a call. One that it takes runs until it is told of its end. */
  react(size: CallSize, nowMs: number, random: Random): Reaction {
    this.counts.calls += 1;
    // Drawn in any case, so that the luck of a call does not depend on what happened before.
    const [failing, speed] = [random(), 1 + this.model.jitter * (2 * random() - 1)];
    const reaction = this.#unwell(nowMs) ?? this.#refusal(nowMs);
    if (reaction) return reaction;
    if (failing < this.model.failureRate) {
      return { kind: "failed", status: SERVER_ERROR, afterMs: ERROR_AFTER_MS };
    }
    const times = this.#times(size, nowMs, speed);
    this.#take(size, nowMs, times.totalMs);
    return { kind: "answered", ...times };
  }

  /** Whether it answers a probe. */
  isUp(nowMs: number): boolean {
    return this.#unwell(nowMs) === undefined;
  }

  /** A call that was taken is over. */
  ended(size: CallSize, how: "answered" | "cancelled"): void {
    this.#running -= 1;
    this.counts[how] += 1;
    if (how === "cancelled") return;
    this.counts.promptTokens += size.contextTokens;
    this.counts.outputTokens += size.generatedTokens;
  }

  /** What a call costs where calls are paid for. */
  costOf({ contextTokens, generatedTokens }: CallSize): number {
    const { promptPrice, outputPrice } = this.model;
    return (contextTokens * promptPrice + generatedTokens * outputPrice) / 1000;
  }

  /** The busiest minute's part of its tokens a minute; a burst may take more than all of them. */
  get peakUse(): number | undefined {
    const { tokensPerMinute } = this.model;
    if (tokensPerMinute === undefined) return undefined;
    let peak = 0;
    for (const used of this.#usedByMinute.values()) peak = Math.max(peak, used);
    return peak / tokensPerMinute;
  }

  /** In the unit of `counts.used`. */
  get capacityPerMinute(): number | undefined {
    const { tokensPerMinute, concurrency } = this.model;
    return tokensPerMinute ?? (concurrency === undefined ? undefined : concurrency * MINUTE_MS);
  }

  #unwell(nowMs: number): Trouble | undefined {
    const atSeconds = (nowMs - this.#startedAt) / 1000;
    const outage = this.model.outages.find(
      ({ fromSeconds, toSeconds }) => atSeconds >= fromSeconds && atSeconds < toSeconds,
    );
    if (!outage) return undefined;
    if (outage.as !== "errors") return { kind: outage.as };
    return { kind: "failed", status: OUT_OF_SERVICE, afterMs: ERROR_AFTER_MS };
  }

  #refusal(nowMs: number): Trouble | undefined {
    const { concurrency = Number.POSITIVE_INFINITY, retryAfterMs } = this.model;
    if (this.#running >= concurrency) return { kind: "throttled", retryAfterMs };
    const waitMs = this.#bucket?.waitMs(nowMs) ?? 0;
    return waitMs > 0 ? { kind: "throttled", retryAfterMs: waitMs } : undefined;
  }

  #times({ contextTokens, generatedTokens }: CallSize, nowMs: number, speed: number) {
    const { firstTokenMs, promptTokensPerSecond, tokensPerSecond, slowdown } = this.model;
    const factor = speed * (1 + slowdown * this.#load(nowMs));
    const first = firstTokenMs + (contextTokens * 1000) / promptTokensPerSecond;
    const rest = (generatedTokens * 1000) / tokensPerSecond;
    return {
      firstTokenMs: Math.round(first * factor),
      totalMs: Math.round((first + rest) * factor),
    };
  }

  #load(nowMs: number): number {
    const { concurrency = Number.POSITIVE_INFINITY } = this.model;
    return Math.max(this.#running / concurrency, this.#bucket?.fill(nowMs) ?? 0);
  }

  #take({ contextTokens, generatedTokens }: CallSize, nowMs: number, tookMs: number): void {
    const tokens = contextTokens + generatedTokens * this.model.outputWeight;
    this.#running += 1;
    this.#bucket?.take(tokens, nowMs);
    const used = this.#bucket ? tokens : tookMs;
    const minute = Math.floor((nowMs - this.#startedAt) / MINUTE_MS);
    this.counts.used += used;
    this.#usedByMinute.set(minute, (this.#usedByMinute.get(minute) ?? 0) + used);
  }
}
