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

/** How a call failed: by its status, by breaking off, or by taking too long. */
export type BreakerFailure = "status" | "broken" | "timed-out";

/** A change of a breaker's state, and what it came of. */
export interface BreakerChange {
  readonly state: BreakerView["state"];
  readonly reason: "failures" | "trial-begun" | "trial-failed" | "trial-succeeded";
  readonly lastFailure: BreakerFailure;
  /** The failures for which it opened, and the calls of the window in which they fell. */
  readonly failures: number;
  readonly calls: number;
  /** Trials that failed since. */
  readonly failedTrials: number;
  /** Since it was closed. */
  readonly openForMs: number;
}

type Outage = Omit<BreakerChange, "state" | "reason" | "openForMs"> & { readonly sinceAt: number };

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
  /** Of the time since it was closed. */
  #outage: Outage | undefined;
  #hasToldTrial = false;
  readonly #onChange: ((change: BreakerChange) => void) | undefined;

  /** `onChange` is told at most three times within a window: of an opening, a trial, and its success. */
  constructor(policy: BreakerPolicy, onChange?: (change: BreakerChange) => void) {
    this.#policy = policy;
    this.#onChange = onChange;
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
    // Of trials without a verdict there may be any number.
    if (!this.#hasToldTrial) this.#tell("half-open", "trial-begun", nowMs);
    this.#hasToldTrial = true;
    return true;
  }

  succeeded(nowMs: number, isProbe: boolean): void {
    // What began before it opened says nothing about now.
    if (this.#openUntil !== undefined && !isProbe) return;
    if (isProbe) this.#close(nowMs);
    this.#counts.add(nowMs, false);
  }

  failed(nowMs: number, isProbe: boolean, lastFailure: BreakerFailure): void {
    if (this.#outage) {
      const { failedTrials } = this.#outage;
      if (!isProbe) return;
      this.#outage = { ...this.#outage, lastFailure, failedTrials: failedTrials + 1 };
      this.#open(nowMs, "trial-failed");
      return;
    }
    this.#counts.add(nowMs, true);
    const { failures, total: calls } = this.#counts.at(nowMs);
    const { minFailures, failureRate } = this.#policy;
    if (failures < minFailures || failures < failureRate * calls) return;
    this.#outage = { sinceAt: nowMs, lastFailure, failures, calls, failedTrials: 0 };
    this.#open(nowMs, "failures");
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

  #open(nowMs: number, reason: BreakerChange["reason"]): void {
    this.#openUntil = nowMs + this.#policy.windowMs;
    this.#isProbing = false;
    this.#hasToldTrial = false;
    this.#counts.clear();
    this.#tell("open", reason, nowMs);
  }

  #close(nowMs: number): void {
    this.#openUntil = undefined;
    this.#isProbing = false;
    this.#counts.clear();
    this.#tell("closed", "trial-succeeded", nowMs);
    this.#outage = undefined;
  }

  #tell(state: BreakerChange["state"], reason: BreakerChange["reason"], nowMs: number): void {
    if (!this.#outage) return;
    const { sinceAt, ...facts } = this.#outage;
    this.#onChange?.({ state, reason, ...facts, openForMs: nowMs - sinceAt });
  }
}
