import type { Clock } from "../../core/clock.ts";
import {
  type RequestFacts,
  requestFacts,
  type Sink,
  type TelemetryEvent,
} from "../../telemetry/index.ts";
import { Latest } from "./latest.ts";

/** Values that fell into buckets since the instance began; the last count is for what lies above all bounds. */
export interface BucketCounts {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** A user's part of the traffic lately. */
export interface UserTraffic {
  readonly user: string;
  readonly requests: number;
  readonly tokens: number;
}

/** A request that has ended. */
export interface RecentRequest {
  readonly requestId: string;
  readonly endedAt: string;
  readonly user: string | undefined;
  readonly priority: number | undefined;
  /** Absent for what ended without an answer, such as a cancelled job. */
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly attempts: number;
  readonly backend: string | undefined;
  readonly waitMs: number;
  readonly totalMs: number;
  readonly model: string | undefined;
  readonly tokens: number | undefined;
}

/** What went through one instance since it began. */
export interface TrafficCounts {
  readonly requests: number;
  /** Answered with a 5xx. */
  readonly failed: number;
  /** Refused by the gateway itself. */
  readonly refused: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly waitMs: BucketCounts;
  readonly firstByteMs: BucketCounts;
}

/** The same, and what is recent. */
export interface TrafficStatus extends TrafficCounts {
  /** Those with most tokens lately first. */
  readonly users: readonly UserTraffic[];
  /** The latest first. */
  readonly recent: readonly RecentRequest[];
}

const BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
const MAX_RECENT = 200;
const MAX_USERS = 1000;
const SHOWN_USERS = 25;
const SHOWN_RECENT = 50;
// After this time a user's old traffic counts for a third.
const FORGETTING_MS = 300_000;

interface EndedRequest {
  readonly facts: RequestFacts;
  readonly endedAt: number;
}

interface UserCount {
  at: number;
  requests: number;
  tokens: number;
}

/**
 * Listens to what ends, for operators who look at this instance. Costs a request a few additions, and puts
 * nothing into words before somebody looks; what it keeps is bounded, whoever calls and however often.
 * Scope: per instance.
 */
export class TrafficBoard implements Sink {
  readonly #clock: Clock;
  readonly #counts = { requests: 0, failed: 0, refused: 0, attempts: 0, input: 0, output: 0 };
  readonly #waits = new Buckets();
  readonly #firstBytes = new Buckets();
  readonly #users = new Map<string, UserCount>();
  readonly #recent = new Latest<EndedRequest>(MAX_RECENT);
  readonly #receipts = new Latest<TelemetryEvent>(MAX_RECENT);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hears({ event }: TelemetryEvent): boolean {
    return event === "request.ended" || event === "request.routed";
  }

  take(event: TelemetryEvent): void {
    if (event.event === "request.ended") this.#ended(event);
    else this.#receipts.add(event);
  }

  /**
   * How the gateway decided about a recent request, the last time that it came to its turn and each time before,
   * and how it ended, refusals included; undefined where nothing is known of it any more.
   */
  receipt(requestId: string): object | undefined {
    const [last, ...before] = [...this.#receipts].filter((one) => one["requestId"] === requestId);
    const ended = [...this.#recent].find(({ facts }) => facts.requestId === requestId);
    if (!last && !ended) return undefined;
    return {
      requestId,
      ...last,
      ...(before.length > 0 ? { earlier: before.reverse() } : {}),
      ...(ended ? { ended: toRecentRequest(ended) } : {}),
    };
  }

  status(): TrafficStatus {
    return { ...this.counts(), users: this.#topUsers(), recent: this.#latestRequests() };
  }

  counts(): TrafficCounts {
    const { input, output, ...counts } = this.#counts;
    return {
      ...counts,
      inputTokens: input,
      outputTokens: output,
      waitMs: this.#waits.read(),
      firstByteMs: this.#firstBytes.read(),
    };
  }

  #ended(event: TelemetryEvent): void {
    const facts = requestFacts(event);
    const { status, attempts, user, tokens } = facts;
    const { inputTokens = 0, outputTokens = 0 } = tokens ?? {};
    const counts = this.#counts;
    counts.requests += 1;
    counts.attempts += attempts;
    counts.input += inputTokens;
    counts.output += outputTokens;
    if ((status ?? 0) >= 500) counts.failed += 1;
    if (attempts === 0 && (status ?? 0) >= 400) counts.refused += 1;
    this.#waits.add(facts.waitMs);
    if (facts.firstByteMs !== undefined) this.#firstBytes.add(facts.firstByteMs);
    if (user !== undefined) this.#count(user, inputTokens + outputTokens);
    this.#recent.add({ facts, endedAt: this.#clock.now() });
  }

  /** Of a job that was accepted and has ended meanwhile, its end alone. */
  #latestRequests(): readonly RecentRequest[] {
    const shown = new Map<string, RecentRequest>();
    for (const ended of this.#recent) {
      const { requestId } = ended.facts;
      if (!shown.has(requestId)) shown.set(requestId, toRecentRequest(ended));
      if (shown.size === SHOWN_RECENT) break;
    }
    return [...shown.values()];
  }

  #count(user: string, tokens: number): void {
    const now = this.#clock.now();
    const known = this.#users.get(user);
    const old = known ? faded(known, now) : { requests: 0, tokens: 0 };
    // Set anew, so that whoever came last stands last, and who has not come for longest goes first.
    this.#users.delete(user);
    this.#users.set(user, { at: now, requests: old.requests + 1, tokens: old.tokens + tokens });
    if (this.#users.size > MAX_USERS) this.#users.delete(this.#users.keys().next().value ?? "");
  }

  #topUsers(): readonly UserTraffic[] {
    const now = this.#clock.now();
    return [...this.#users]
      .map(([user, count]) => ({ user, ...faded(count, now) }))
      .sort((a, b) => b.tokens - a.tokens || b.requests - a.requests)
      .slice(0, SHOWN_USERS)
      .map(({ user, requests, tokens }) => ({
        user,
        requests: Math.round(requests * 10) / 10,
        tokens: Math.round(tokens),
      }));
  }
}

/** Counts of values by size. Scope: per instance. */
class Buckets {
  readonly #counts = new Array<number>(BOUNDS_MS.length + 1).fill(0);

  add(value: number): void {
    const found = BOUNDS_MS.findIndex((bound) => value <= bound);
    const at = found < 0 ? BOUNDS_MS.length : found;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  read(): BucketCounts {
    return { bounds: BOUNDS_MS, counts: [...this.#counts] };
  }
}

function faded({ at, requests, tokens }: UserCount, now: number) {
  const part = Math.exp((at - now) / FORGETTING_MS);
  return { requests: requests * part, tokens: tokens * part };
}

function toRecentRequest({ facts, endedAt }: EndedRequest): RecentRequest {
  const { requestId, user, priority, status, code, detail, attempts, backend } = facts;
  const { waitMs, totalMs, model, tokens } = facts;
  return {
    ...{ requestId, user, priority, status, code, detail },
    ...{ attempts, backend, waitMs, totalMs, model },
    endedAt: new Date(endedAt).toISOString(),
    tokens: tokens && (tokens.inputTokens ?? 0) + (tokens.outputTokens ?? 0),
  };
}
