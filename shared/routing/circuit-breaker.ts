import { SlidingCounts } from "./sliding-counts.ts";

/** How a breaker stands: closed lets all through, half-open one call at a time, open none until `until`. */
export type BreakerView =
  | { readonly state: "closed" }
  | { readonly state: "open"; readonly until: number }
  | { readonly state: "half-open"; readonly isProbing: boolean };

export interface BreakerPolicy {
  readonly minFailures: number;
  readonly failureRate: number;
  readonly windowMs: number;
}

/**
 * Opens when, within the window, enough calls failed and they are a large enough part of all; after the
 * length of the window one call at a time tries the backend again. Scope: one backend, per instance.
 */
export class CircuitBreaker {
  #policy: BreakerPolicy;
  #counts: SlidingCounts;
  /** Set while it is not closed. */
  #openUntil: number | undefined;
  #isProbing = false;

  constructor(policy: BreakerPolicy) {
    this.#policy = policy;
    this.#counts = new SlidingCounts(policy.windowMs);
  }

  view(nowMs: number): BreakerView {
    if (this.#openUntil === undefined) return { state: "closed" };
    if (nowMs < this.#openUntil) return { state: "open", until: this.#openUntil };
    return { state: "half-open", isProbing: this.#isProbing };
  }

  /** The part of the calls within the window that failed. */
  failureRate(nowMs: number): number {
    const { failures, total } = this.#counts.at(nowMs);
    return total === 0 ? 0 : failures / total;
  }

  /** A call begins. Returns whether it is the one that tries a half-open backend. */
  begin(nowMs: number): boolean {
    if (this.view(nowMs).state !== "half-open" || this.#isProbing) return false;
    this.#isProbing = true;
    return true;
  }

  succeeded(nowMs: number, isProbe: boolean): void {
    // What began before it opened says nothing about now.
    if (this.#openUntil !== undefined && !isProbe) return;
    if (isProbe) this.#close();
    this.#counts.add(nowMs, false);
  }

  failed(nowMs: number, isProbe: boolean): void {
    if (this.#openUntil !== undefined) {
      if (isProbe) this.#open(nowMs);
      return;
    }
    this.#counts.add(nowMs, true);
    const { failures, total } = this.#counts.at(nowMs);
    const { minFailures, failureRate } = this.#policy;
    if (failures >= minFailures && failures >= failureRate * total) this.#open(nowMs);
  }

  /** The call that tried a half-open backend ended without a verdict; the next one tries. */
  abandoned(isProbe: boolean): void {
    if (isProbe) this.#isProbing = false;
  }

  /** Changes the policy and keeps the state; a window of another length starts empty. */
  reconfigure(policy: BreakerPolicy): void {
    if (policy.windowMs !== this.#policy.windowMs)
      this.#counts = new SlidingCounts(policy.windowMs);
    this.#policy = policy;
  }

  #open(nowMs: number): void {
    this.#openUntil = nowMs + this.#policy.windowMs;
    this.#isProbing = false;
    this.#counts.clear();
  }

  #close(): void {
    this.#openUntil = undefined;
    this.#isProbing = false;
    this.#counts.clear();
  }
}
