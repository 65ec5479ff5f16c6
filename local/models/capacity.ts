import type { Clock } from "../../shared/core/clock.ts";
import { throttled } from "./api-error.ts";
import type { ModelSettings } from "./settings.ts";

const MINUTE_MS = 60_000;
/** How long a caller is told to wait when all slots are taken; nobody knows when one is freed. */
const BUSY_RETRY_AFTER_MS = 1_000;

/** A quota that refills evenly over a minute. */
interface Quota {
  available: number;
  refilledAt: number;
}

/**
 * What one endpoint can take: requests in flight, requests and tokens a minute.
 * Scope: one endpoint.
 */
export class Capacity {
  readonly #clock: Clock;
  readonly #requests: Quota;
  readonly #tokens: Quota;
  #inFlight = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#requests = { available: Number.POSITIVE_INFINITY, refilledAt: clock.now() };
    this.#tokens = { available: Number.POSITIVE_INFINITY, refilledAt: clock.now() };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes a slot and the quota of one call, or throws 429; call the result once to free the slot. */
  admit(settings: ModelSettings, tokens: number): () => void {
    this.#refill(this.#requests, settings.requestsPerMinute);
    this.#refill(this.#tokens, settings.tokensPerMinute);
    this.#refuseWhenOver(settings, tokens);
    this.#requests.available -= 1;
    this.#tokens.available -= tokens;
    this.#inFlight += 1;
    let isFreed = false;
    return () => {
      if (isFreed) return;
      isFreed = true;
      this.#inFlight -= 1;
    };
  }

  /** The `x-ratelimit-*` headers of an answer; none for what is not limited. */
  headers({ requestsPerMinute, tokensPerMinute }: ModelSettings): Record<string, string> {
    return {
      ...quotaHeaders("requests", this.#requests, requestsPerMinute),
      ...quotaHeaders("tokens", this.#tokens, tokensPerMinute),
    };
  }

  #refill(quota: Quota, perMinute: number): void {
    const now = this.#clock.now();
    const limit = perMinute === 0 ? Number.POSITIVE_INFINITY : perMinute;
    const refilled = ((now - quota.refilledAt) / MINUTE_MS) * perMinute;
    // An unlimited quota is infinite, so that a limit set later starts full.
    quota.available = Math.min(limit, perMinute === 0 ? limit : quota.available + refilled);
    quota.refilledAt = now;
  }

  #refuseWhenOver(settings: ModelSettings, tokens: number): void {
    const { maxInFlight, requestsPerMinute, tokensPerMinute } = settings;
    const headers = this.headers(settings);
    if (maxInFlight > 0 && this.#inFlight >= maxInFlight) {
      const message = `The endpoint serves ${maxInFlight} requests at once, and all of them are taken.`;
      throw throttled(message, BUSY_RETRY_AFTER_MS, headers);
    }
    if (this.#requests.available < 1) {
      const waitMs = msUntil(1, this.#requests, requestsPerMinute);
      throw throttled(
        `Rate limit of ${requestsPerMinute} requests per minute reached.`,
        waitMs,
        headers,
      );
    }
    // One call above the whole limit could never be served; it passes when the quota is full.
    const needed = Math.min(tokens, tokensPerMinute || tokens);
    if (this.#tokens.available < needed) {
      const waitMs = msUntil(needed, this.#tokens, tokensPerMinute);
      throw throttled(
        `Rate limit of ${tokensPerMinute} tokens per minute reached.`,
        waitMs,
        headers,
      );
    }
  }
}

function msUntil(needed: number, quota: Quota, perMinute: number): number {
  return Math.max(1, Math.ceil(((needed - quota.available) / perMinute) * MINUTE_MS));
}

function quotaHeaders(what: string, quota: Quota, perMinute: number): Record<string, string> {
  if (perMinute === 0) return {};
  const remaining = Math.max(0, Math.floor(Math.min(quota.available, perMinute)));
  const fullInMs = Math.max(0, Math.ceil(((perMinute - quota.available) / perMinute) * MINUTE_MS));
  return {
    [`x-ratelimit-limit-${what}`]: String(perMinute),
    [`x-ratelimit-remaining-${what}`]: String(remaining),
    [`x-ratelimit-reset-${what}`]: `${fullInMs}ms`,
  };
}
