import type { Cancel } from "../../shared/core/clock.ts";
import type { EngineContext } from "./engine/engine-context.ts";
import { historyEvent } from "./history-events.ts";

// Bounds one transaction when many timers have fallen due while the engine was down.
const MAX_TIMERS_PER_COMMIT = 500;

const RETRY_AFTER_FAILURE_MS = 1_000;

/**
 * Fires durable timers. Only the next one is armed; all live in the store, so those that fell due
 * while the engine was down fire at once. Scope: one engine.
 */
export class Timers {
  readonly #context: EngineContext;
  #armedFor = Number.POSITIVE_INFINITY;
  #cancel: Cancel = () => {};
  #isFiring = false;
  #isStopped = false;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Arms the timer for the earliest that is due. */
  start(): void {
    this.arm(this.#context.store.timers.nextDueAt());
  }

  /** Makes sure that something happens at `dueAt`. */
  arm(dueAt: number): void {
    if (this.#isStopped || this.#isFiring || dueAt >= this.#armedFor) return;
    this.#schedule(dueAt, dueAt - this.#context.clock.now());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #schedule(dueAt: number, delayMs: number): void {
    this.#cancel();
    this.#armedFor = dueAt;
    this.#cancel = this.#context.clock.schedule(delayMs, () => {
      this.#isFiring = true;
      this.#fire().then(
        () => this.#rearm(0),
        (error: unknown) => {
          if (!this.#isStopped) this.#context.log(`Durable: timers could not fire: ${error}`);
          this.#rearm(RETRY_AFTER_FAILURE_MS);
        },
      );
    });
  }

  // Timers created while firing were not armed one by one: the store knows the earliest of all.
  #rearm(minDelayMs: number): void {
    this.#isFiring = false;
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (this.#isStopped) return;
    const { store, clock } = this.#context;
    const dueAt = store.timers.nextDueAt();
    if (dueAt < Number.POSITIVE_INFINITY) {
      this.#schedule(dueAt, Math.max(minDelayMs, dueAt - clock.now()));
    }
  }

  #fire(): Promise<void> {
    const { store, clock } = this.#context;
    return store.commit(() => {
      const nowMs = clock.now();
      for (const timer of store.timers.due(nowMs, MAX_TIMERS_PER_COMMIT)) {
        store.timers.delete(timer.instanceId, timer.taskId);
        const event = historyEvent("TimerFired", nowMs, {
          TimerId: timer.taskId,
          FireAt: new Date(timer.fireAt).toISOString(),
        });
        store.sendMessage(timer.instanceId, timer.executionId, event);
      }
    });
  }
}
