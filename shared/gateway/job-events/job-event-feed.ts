import type { Cancel, Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import { isFinalEvent, type StatusEvent } from "../../jobs/index.ts";
import type { JobEventLog } from "./job-event-log.ts";

export interface JobEventFeedOptions {
  readonly log: Pick<JobEventLog, "read">;
  readonly clock: Clock;
}

// A job that has just moved will soon move again; one that runs for hours is looked at now and then.
const FIRST_LOOK_MS = 500;
const MAX_LOOK_MS = 5000;
const HEARTBEAT_MS = 15_000;
const MAX_READERS = 2000;
const FULL_RETRY_AFTER_MS = 10_000;

/** A job that somebody follows. */
interface Watch {
  events: readonly StatusEvent[];
  readers: number;
  lookAfterMs: number;
  cancelLook: Cancel;
  isLooking: boolean;
  readonly waiting: Set<() => void>;
}

/**
 * Follows the logs of jobs for any number of readers: one look at a time and job, however many read,
 * and ever more rarely while nothing happens. Scope: per instance; the log itself is global.
 */
export class JobEventFeed {
  readonly #options: JobEventFeedOptions;
  readonly #watches = new Map<string, Watch>();
  #readers = 0;

  constructor(options: JobEventFeedOptions) {
    this.#options = options;
  }

  /** Throws when so many read that one more has to come back later. */
  checkRoom(): void {
    if (this.#readers < MAX_READERS) return;
    throw new GatewayError("queue-full", "Too many follow their jobs at once.", {
      retryAfterMs: FULL_RETRY_AFTER_MS,
    });
  }

  /** How many readers there are. */
  get readers(): number {
    return this.#readers;
  }

  /** Says that a job's log has grown: who follows it here need not wait for the next look. */
  poke(jobId: string): void {
    const watch = this.#watches.get(jobId);
    if (!watch) return;
    watch.lookAfterMs = FIRST_LOOK_MS;
    this.#lookSoon(jobId, watch, 0);
  }

  /**
   * A job's events after a number, as they come, to the last of all; undefined now and then while
   * nothing comes. Ends when the signal aborts.
   */
  async *follow(
    jobId: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<StatusEvent | undefined, void, undefined> {
    const watch = this.#join(jobId);
    try {
      for (let seen = after; !signal.aborted; ) {
        const fresh = watch.events.filter(({ sequence }) => sequence > seen);
        for (const event of fresh) yield event;
        seen = fresh.at(-1)?.sequence ?? seen;
        const last = watch.events.at(-1);
        if (last && isFinalEvent(last)) return;
        if (fresh.length === 0 && !(await this.#change(watch, signal))) yield undefined;
      }
    } finally {
      this.#leave(jobId, watch);
    }
  }

  #join(jobId: string): Watch {
    this.#readers += 1;
    const known = this.#watches.get(jobId);
    if (known) {
      known.readers += 1;
      return known;
    }
    const watch: Watch = {
      events: [],
      readers: 1,
      lookAfterMs: FIRST_LOOK_MS,
      cancelLook: () => {},
      isLooking: false,
      waiting: new Set(),
    };
    this.#watches.set(jobId, watch);
    this.#lookSoon(jobId, watch, 0);
    return watch;
  }

  #leave(jobId: string, watch: Watch): void {
    this.#readers -= 1;
    watch.readers -= 1;
    if (watch.readers > 0) return;
    watch.cancelLook();
    this.#watches.delete(jobId);
  }

  #lookSoon(jobId: string, watch: Watch, afterMs: number): void {
    watch.cancelLook();
    watch.cancelLook = this.#options.clock.schedule(afterMs, () => void this.#look(jobId, watch));
  }

  async #look(jobId: string, watch: Watch): Promise<void> {
    if (watch.isLooking) return;
    watch.isLooking = true;
    const before = watch.events.length;
    // A storage that is away is asked again at the next look; readers see heartbeats meanwhile.
    const log = await this.#options.log.read(jobId).catch(() => undefined);
    watch.isLooking = false;
    if (watch.readers === 0) return;
    watch.events = log?.events ?? watch.events;
    const hasGrown = watch.events.length > before;
    watch.lookAfterMs = hasGrown ? FIRST_LOOK_MS : Math.min(watch.lookAfterMs * 2, MAX_LOOK_MS);
    this.#lookSoon(jobId, watch, watch.lookAfterMs);
    if (hasGrown) for (const wake of watch.waiting) wake();
  }

  /** True when the log has grown or the signal has aborted, false when it was quiet for a while. */
  #change(watch: Watch, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (hasChanged: boolean): void => {
        cancelHeartbeat();
        watch.waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve(hasChanged);
      };
      const wake = (): void => end(true);
      const cancelHeartbeat = this.#options.clock.schedule(HEARTBEAT_MS, () => end(false));
      watch.waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
