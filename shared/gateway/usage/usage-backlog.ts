import type { Clock } from "../../core/clock.ts";
import type { UsageOutbox } from "../../ledger/index.ts";
import type { UsageQueue } from "./usage-services.ts";

export interface UsageBacklogOptions {
  readonly outbox: Pick<UsageOutbox, "state">;
  readonly queue: Pick<UsageQueue, "peek">;
  readonly clock: Pick<Clock, "now">;
}

// Metrics are read once a minute by those who send them, and at any time by who looks at the page.
const LOOK_EVERY_MS = 20_000;

/**
 * How long what was used has waited to be counted. Told by those who serve, not by those who count: who
 * does not count any more tells nothing either. The queue is looked into when somebody asks, at most every
 * 20 seconds; nobody waits for it. The queue is global; the object itself: per instance.
 */
export class UsageBacklog {
  readonly #options: UsageBacklogOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  /** As the queue was when it was last seen; undefined while it cannot be. */
  #queuedMs: number | undefined;

  constructor(options: UsageBacklogOptions) {
    this.#options = options;
  }

  /** Of the oldest, here or in the queue; undefined before the queue was seen for the first time. */
  oldestAgeMs(): number | undefined {
    const { outbox, clock } = this.#options;
    const now = clock.now();
    if (!this.#isLooking && now - this.#lookedAt >= LOOK_EVERY_MS) void this.#look(now);
    const { oldestAt } = outbox.state;
    const heldMs = oldestAt === undefined ? undefined : Math.max(0, now - oldestAt);
    if (heldMs === undefined || this.#queuedMs === undefined) return this.#queuedMs ?? heldMs;
    return Math.max(heldMs, this.#queuedMs);
  }

  async #look(now: number): Promise<void> {
    this.#isLooking = true;
    this.#lookedAt = now;
    try {
      const messages = await this.#options.queue.peek();
      const oldestAt = Math.min(now, ...messages.map(({ insertedAt }) => insertedAt));
      this.#queuedMs = now - oldestAt;
    } catch {
      // What cannot be seen cannot be sent to either: what is held here grows old instead.
      this.#queuedMs = undefined;
    } finally {
      this.#isLooking = false;
    }
  }
}
