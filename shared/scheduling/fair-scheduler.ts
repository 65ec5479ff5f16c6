import type { Clock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";
import { GatewayError } from "../core/errors.ts";
import { ANONYMOUS, type Slot, type SlotDemand, type SlotRequest } from "./entry.ts";
import { forecastPosition, forecastWaitMs, type Outlook, type WouldBe } from "./forecast.ts";
import type { Load } from "./load-count.ts";
import { type QueuePlace, QueuePlaces } from "./queue-places.ts";
import { checkPolicy, DEFAULT_POLICY, type SchedulerPolicy } from "./scheduler-policy.ts";
import { type SchedulerSnapshot, takeSnapshot } from "./scheduler-snapshot.ts";
import { SlotDispatcher } from "./slot-dispatcher.ts";
import { spareSlots } from "./slot-pool.ts";

const MIN_RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 120_000;

export interface FairSchedulerOptions extends Partial<SchedulerPolicy> {
  readonly capacity: number;
  readonly clock: Clock;
}

/** Whose wait is estimated. */
export type PlaceRequest = Pick<SlotRequest, "priority" | "userId" | "groupId">;

/** Whether a request can start before its deadline, as far as has been measured. */
export type DeadlineOutlook =
  | { readonly refused: true; readonly retryAfterMs: number; readonly estimatedWaitMs: number }
  | {
      readonly refused: false;
      readonly position: number;
      readonly estimatedWaitMs: number | undefined;
    };

/**
 * One pool of slots for everything an instance runs, so that priority holds across the ways in which
 * requests are served.
 *
 * - Between classes: strict bands, most urgent first, but for the trickle (trickle.ts) and the slots
 *   that are reserved for more urgent ones (slot-pool.ts).
 * - Inside a class: weighted fair queuing between users, or groups and their users (fair-share.ts);
 *   first in, first out within a user.
 *
 * Longest wait. Let C be the slots that the class may use (all but those reserved for more urgent
 * ones), S the longest time that a slot is held, T the number of waiting classes below the most urgent
 * one, and N the class's trickle.
 *
 *   class:    G = N grants without reservations while N >= 2T, else G = N + 2T - 1;
 *             the most urgent that waits: G = 2
 *   request:  k-th of its user in the line, weight w, when it comes; at most n users of total weight W
 *             and least weight v wait at one time; every request costs 1:
 *             B = (2k / w + 2 / v) * W + n grants of the class (a fixed set of users: (k / w) * W + n)
 *   time:     S * ceil(G * B / C)
 *
 * for C usable slots make at least C grants, which the class could have, in any time S. With preemption
 * a slot may change hands once in between: twice the time.
 *
 * Cost: O(log n) to enter, leave, be granted and be charged, for n users in a class, and O(c log c) for
 * c classes; nothing scans the waiting requests. Users without entries take up memory only while they
 * owe something and others wait: at most 16, and two for each user that waits. Scope: per instance.
 */
export class FairScheduler {
  readonly #clock: Clock;
  readonly #slots: SlotDispatcher;
  readonly #places: QueuePlaces;
  #policy: SchedulerPolicy;

  constructor({ capacity, clock, ...policy }: FairSchedulerOptions) {
    this.#clock = clock;
    this.#policy = checkPolicy({ ...DEFAULT_POLICY, ...policy });
    this.#slots = new SlotDispatcher({ capacity, clock, policy: this.#policy });
    this.#places = new QueuePlaces(this.#policy.weights);
  }

  get capacity(): number {
    return this.#slots.pool.capacity;
  }

  get running(): number {
    return this.#slots.pool.running;
  }

  get waiting(): number {
    return this.#slots.waiting;
  }

  classLoad(priority: PriorityClass): Load {
    const band = this.#slots.pool.classes.find((known) => known.priority === priority);
    return { waiting: band?.waiting ?? 0, running: band?.running ?? 0 };
  }

  userLoad(userId: string): Load {
    return this.#slots.users.of(userId);
  }

  /** How many more requests of the class would start at once; none while anybody as urgent waits. */
  spareFor(priority: PriorityClass): number {
    const { pool } = this.#slots;
    const isAwaited = pool.classes.some((band) => band.waiting > 0 && band.priority <= priority);
    return isAwaited ? 0 : spareSlots(pool, priority);
  }

  /** A slot that is free at once, provided nobody as urgent or more urgent waits for it. */
  tryAcquire(demand: SlotDemand): Slot | undefined {
    if (isExpired(demand, this.#clock.now()) || !this.#slots.isFreeFor(demand)) return undefined;
    let granted: Slot | undefined;
    let isWaiting = true;
    const entry = this.#slots.enter(demand, {
      grant(slot) {
        granted = slot;
        isWaiting = false;
      },
      refuse() {
        isWaiting = false;
      },
    });
    if (isWaiting) this.#slots.withdraw(entry);
    return granted;
  }

  /**
   * Waits for a slot. Rejects with the signal's reason, with `queue-full` (at once, or later when it has
   * to make room for somebody who holds less of the queue), or with `ttl-expired` when its turn comes
   * after `expiresAt`.
   */
  acquire(request: SlotRequest): Promise<Slot> {
    const { signal, isLimited } = request;
    if (signal.aborted) return Promise.reject(signal.reason);
    if (isExpired(request, this.#clock.now())) return Promise.reject(ttlExpired());
    if (isLimited && !this.#hasRoomFor(request)) return Promise.reject(this.#queueFull(request));
    return new Promise((resolve, reject) => {
      let isWaiting = true;
      let place: QueuePlace | undefined;
      const settle = (): void => {
        isWaiting = false;
        place?.leave();
        signal.removeEventListener("abort", onAbort);
      };
      const leave = (reason: unknown): void => {
        settle();
        this.#slots.withdraw(entry);
        reject(reason);
      };
      const onAbort = (): void => leave(signal.reason);
      const entry = this.#slots.enter(request, {
        grant(slot) {
          settle();
          resolve(slot);
        },
        refuse() {
          settle();
          reject(signal.aborted ? signal.reason : ttlExpired());
        },
      });
      if (!isWaiting) return;
      signal.addEventListener("abort", onAbort, { once: true });
      if (!isLimited) return;
      place = this.#places.enter(wouldBe(request), () => leave(this.#queueFull(request)));
    });
  }

  /** The place in the queue of the caller's next request: 0 would start at once. Approximate. */
  position(request: PlaceRequest): number {
    return forecastPosition(this.#outlook, wouldBe(request));
  }

  /** How long the caller's next request would wait; undefined before anything was measured. */
  estimateWaitMs(request: PlaceRequest): number | undefined {
    return forecastWaitMs(this.#outlook, wouldBe(request));
  }

  /** Whether a request would get a slot before its deadline. Refuses nothing without measurements. */
  canMeet(request: PlaceRequest & { readonly deadlineAt: number }): DeadlineOutlook {
    const estimatedWaitMs = this.estimateWaitMs(request);
    const remainingMs = Math.max(0, request.deadlineAt - this.#clock.now());
    if (estimatedWaitMs === undefined || estimatedWaitMs <= remainingMs) {
      return { refused: false, position: this.position(request), estimatedWaitMs };
    }
    // By then the queue has drained so far that the same time to live will do.
    const retryAfterMs = retryAfterWait(estimatedWaitMs - remainingMs);
    return { refused: true, retryAfterMs, estimatedWaitMs };
  }

  snapshot(): SchedulerSnapshot {
    return takeSnapshot(this.#outlook, this.#slots);
  }

  /** Changes the number of slots; those in use beyond it are not given out again. */
  resize(capacity: number): void {
    this.#slots.resize(capacity);
  }

  /** Changes what is named; whoever waits or runs stays. Throws a RangeError and changes nothing. */
  reconfigure(change: Partial<SchedulerPolicy>): void {
    this.#policy = checkPolicy({ ...this.#policy, ...change });
    this.#places.useWeights(this.#policy.weights);
    this.#slots.reconfigure(this.#policy);
  }

  get #outlook(): Outlook {
    return this.#slots.outlook;
  }

  /**
   * A full queue makes room for whoever holds less of it than others. What was accepted elsewhere takes no
   * place in it: a lane's workers hold up to 32 messages of each of its queues.
   */
  #hasRoomFor(request: SlotRequest): boolean {
    const { maxQueueLength } = this.#policy;
    if (this.#places.size < maxQueueLength || this.#slots.isFreeFor(request)) return true;
    return this.#places.makeRoomFor(wouldBe(request));
  }

  /** Before anything was measured, what runs now is known to take at least as long as it has. */
  #queueFull(request: PlaceRequest): GatewayError {
    const waitMs = this.estimateWaitMs(request) ?? this.#slots.oldestAgeMs;
    return new GatewayError("queue-full", "The queue of waiting requests is full.", {
      retryAfterMs: retryAfterWait(waitMs),
    });
  }
}

const wouldBe = ({ priority, userId = ANONYMOUS, groupId }: PlaceRequest): WouldBe => ({
  priority,
  userId,
  groupId,
});

const isExpired = ({ expiresAt }: SlotDemand, nowMs: number): boolean =>
  expiresAt !== undefined && expiresAt <= nowMs;

const ttlExpired = (): GatewayError =>
  new GatewayError("ttl-expired", "The request's time to live ended before its turn came.");

/** A wait as a client is told it: not at once, and not beyond what anybody can foresee. */
export const retryAfterWait = (waitMs: number): number =>
  Math.ceil(Math.min(Math.max(waitMs, MIN_RETRY_AFTER_MS), MAX_RETRY_AFTER_MS));
