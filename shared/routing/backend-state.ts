import { type HostSettings, hostKey, type RoutingSettings } from "../config/index.ts";
import type { BackendId } from "../core/domain.ts";
import type { BackendView } from "./backend-view.ts";
import { type BreakerChange, CircuitBreaker } from "./circuit-breaker.ts";
import { isFairTimeout } from "./fair-timeout.ts";
import { HealthWindow } from "./health-window.ts";
import type { Verdict } from "./judge-answer.ts";
import { LatencyMeter } from "./latency-meter.ts";
import type { LineTurn, RestLine } from "./rest-line.ts";
import { RetryBudget } from "./retry-budget.ts";
import { Utilization } from "./utilization.ts";

/** How a call ended, as far as it says something about its backend. */
export type CallOutcome =
  | {
      readonly verdict: Verdict;
      readonly firstByteMs: number;
      /** The part of its provisioned throughput that it says is in use. */
      readonly utilization?: number | undefined;
    }
  | { readonly failure: "broken" }
  | { readonly failure: "timed-out"; readonly waitedMs: number; readonly limitMs: number }
  /** The client left, or something else ended the call that is not the backend's doing. */
  | { readonly failure: "cancelled" };

/** Longer than this no backend is left alone, whatever it asks for. */
const MAX_THROTTLE_MS = 3_600_000;

/** What a backend's state is given. */
export interface BackendStateOptions {
  readonly line: RestLine;
  onBreakerChange?(backend: BackendId, change: BreakerChange): void;
}

/** What is remembered of one backend. Scope: one backend, per instance; outlives a reload of settings. */
export class BackendState {
  readonly health = new HealthWindow();
  readonly latency = new LatencyMeter();
  readonly #utilization = new Utilization();
  /** Who waits until it has rested. */
  readonly line: RestLine;
  turn = 0;
  #key: string;
  #host: HostSettings;
  readonly #breaker: CircuitBreaker;
  readonly #budget: RetryBudget;
  #throttledUntil = 0;
  #inFlight = 0;

  constructor(
    host: HostSettings,
    { breaker, retryShare }: RoutingSettings,
    { line, onBreakerChange }: BackendStateOptions,
  ) {
    this.#key = hostKey(host);
    this.line = line;
    this.#host = host;
    this.#breaker = new CircuitBreaker(breaker, (change) =>
      onBreakerChange?.(this.#host.id, change),
    );
    this.#budget = new RetryBudget(retryShare);
  }

  get key(): string {
    return this.#key;
  }

  /** How many calls to it have not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get host(): HostSettings {
    return this.#host;
  }

  view(nowMs: number): BackendView {
    return {
      key: this.key,
      host: this.#host,
      isHealthy: this.health.isHealthy,
      breaker: this.#breaker.view(nowMs),
      throttledUntil: this.#throttledUntil,
      nextInLine: this.line.mostUrgent,
      inFlight: this.#inFlight,
      latencyMs: this.latency.latencyMs(nowMs),
      isUntried: this.latency.isUntried(nowMs),
      failureRate: this.#breaker.failureRate(nowMs),
      utilization: this.#utilization.at(nowMs),
      turn: this.turn,
      canRetry: this.#budget.canRetry(nowMs),
    };
  }

  /** Takes new settings of the same backend, which may have another number by now. */
  reconfigure(host: HostSettings, { breaker, retryShare }: RoutingSettings): void {
    this.#key = hostKey(host);
    this.line.rename(this.#key);
    this.#host = host;
    // Nobody would bring it back.
    if (host.mode === "direct") this.health.forget();
    this.#breaker.reconfigure(breaker);
    this.#budget.reconfigure(retryShare);
  }

  /** A call begins. What is returned takes its outcome, once, and frees its place. */
  begin(nowMs: number, isRetry: boolean, lineTurn?: LineTurn): BackendTurn {
    this.#inFlight += 1;
    const isProbe = this.#breaker.begin(nowMs);
    if (isRetry) this.#budget.take(nowMs);
    let isSettled = false;
    let isHeld = true;
    return {
      settle: (outcome, atMs) => {
        if (isSettled) return;
        isSettled = true;
        this.#settle(outcome, { nowMs: atMs, isProbe, isRetry });
        this.#restAfter(outcome, atMs, lineTurn);
        lineTurn?.used(effectOf(outcome));
      },
      broke: (atMs) => {
        this.#breaker.failed(atMs, false, "broken");
        this.#restAfter({ failure: "broken" }, atMs);
      },
      release: () => {
        if (isHeld) this.#inFlight -= 1;
        isHeld = false;
      },
    };
  }

  #settle(outcome: CallOutcome, call: CallFacts): void {
    if ("utilization" in outcome && outcome.utilization !== undefined) {
      this.#utilization.told(outcome.utilization, call.nowMs);
    }
    if ("verdict" in outcome) this.#judge(outcome.verdict, outcome.firstByteMs, call);
    else if (outcome.failure !== "cancelled" && this.#isToBlame(outcome, call.nowMs)) {
      this.#breaker.failed(call.nowMs, call.isProbe, outcome.failure);
    } else this.#sayNothing(call);
  }

  #judge(verdict: Verdict, firstByteMs: number, call: CallFacts): void {
    switch (verdict.kind) {
      case "answered":
        this.latency.record(firstByteMs, call.nowMs);
        this.#breaker.succeeded(call.nowMs, call.isProbe);
        this.#budget.succeeded(call.isRetry);
        return;
      case "failed":
        this.#throttle(verdict.waitMs, call.nowMs);
        this.#breaker.failed(call.nowMs, call.isProbe, "status");
        return;
      case "throttled":
        this.#throttle(verdict.waitMs, call.nowMs);
        this.#sayNothing(call);
        return;
      case "refused":
      case "elsewhere":
        this.latency.answeredUnmeasured(call.nowMs);
        // It works, or it could not judge; but what a client sends must not hide failures either.
        if (call.isProbe) this.#breaker.succeeded(call.nowMs, true);
        this.#sayNothing(call);
        return;
      case "requeued":
        this.latency.answeredUnmeasured(call.nowMs);
        this.#sayNothing(call);
    }
  }

  #isToBlame(outcome: Failure, nowMs: number): boolean {
    if (outcome.failure === "broken") return true;
    const usualMs = this.latency.realMs(nowMs);
    return isFairTimeout(outcome.waitedMs, { limitMs: outcome.limitMs, usualMs });
  }

  #sayNothing({ isProbe, isRetry }: CallFacts): void {
    this.#breaker.abandoned(isProbe);
    if (isRetry) this.#budget.giveBack();
  }

  /** Whoever waits for it waits until it may be called again. */
  #restAfter(outcome: CallOutcome, nowMs: number, turn?: LineTurn): void {
    const breaker = this.#breaker.view(nowMs);
    const isOut = breaker.state === "open";
    const asksForRest = "verdict" in outcome && waitOf(outcome.verdict) !== undefined;
    if (!isOut && !asksForRest) return;
    this.line.rest(Math.max(this.#throttledUntil, isOut ? breaker.until : 0), turn);
  }

  #throttle(waitMs: number | undefined, nowMs: number): void {
    const until = nowMs + Math.min(waitMs ?? 0, MAX_THROTTLE_MS);
    this.#throttledUntil = Math.max(this.#throttledUntil, until);
  }
}

const waitOf = (verdict: Verdict): number | undefined =>
  verdict.kind === "throttled" || verdict.kind === "failed" ? verdict.waitMs : undefined;

/** What a call says about whether its backend takes more. */
function effectOf(outcome: CallOutcome): "accepted" | "refused" | "unknown" {
  if (!("verdict" in outcome)) return "unknown";
  const { kind } = outcome.verdict;
  if (kind === "throttled") return "refused";
  return kind === "failed" || kind === "requeued" ? "unknown" : "accepted";
}

type Failure = Extract<CallOutcome, { failure: "broken" | "timed-out" }>;

interface CallFacts {
  readonly nowMs: number;
  readonly isProbe: boolean;
  readonly isRetry: boolean;
}

/** One call to one backend, from its start to the last byte of its answer. */
export interface BackendTurn {
  /** Notes how the call ended; only the first time counts. */
  settle(outcome: CallOutcome, nowMs: number): void;
  /** The answer broke off after it had begun. */
  broke(nowMs: number): void;
  /** The call holds nothing any more. Calling it again does nothing. */
  release(): void;
}
