import { availableParallelism } from "node:os";
import { delay, systemClock } from "../../../shared/core/clock.ts";
import { Activities } from "../activities.ts";
import type { DurableOptions } from "../contract.ts";
import { Entities } from "../entities.ts";
import type { CommitNotes } from "../store/commit-notes.ts";
import { Store } from "../store/store.ts";
import { Timers } from "../timers.ts";
import { EndWaiters } from "./end-waiters.ts";
import type { EngineContext } from "./engine-context.ts";
import { Episodes } from "./episodes.ts";
import { KeyedRunner } from "./keyed-runner.ts";

// https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-bindings#durable-functions-settings-in-hostjson
const DEFAULT_CONCURRENCY = 10 * availableParallelism();

const DEFAULT_CLOSE_GRACE_MS = 10_000;

/** The engine at work: who is woken by what, and in which order it all stops. Scope: one engine. */
export class Engine {
  readonly context: EngineContext;
  readonly endWaiters: EndWaiters;
  readonly #instances: KeyedRunner;
  readonly #entities: KeyedRunner;
  readonly #activities: Activities;
  readonly #timers: Timers;
  readonly #closeGraceMs: number;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: DurableOptions) {
    const { functions, clock = systemClock, log = () => {} } = options;
    const store = new Store({ ...options, onCommit: (notes) => this.#onCommit(notes) });
    const context = { store, clock, log, functions };
    const limit = options.maxConcurrentOrchestratorFunctions ?? DEFAULT_CONCURRENCY;
    const episodes = new Episodes(context);
    const entities = new Entities(context);
    this.context = context;
    this.endWaiters = new EndWaiters(clock);
    this.#instances = new KeyedRunner({
      noun: "instance",
      limit,
      run: (instanceId) => episodes.run(instanceId),
      clock,
      log,
    });
    this.#entities = new KeyedRunner({
      noun: "entity",
      limit,
      run: (entityId) => entities.run(entityId),
      clock,
      log,
    });
    const maxActivities = options.maxConcurrentActivityFunctions ?? DEFAULT_CONCURRENCY;
    this.#activities = new Activities(context, maxActivities);
    this.#timers = new Timers(context);
    this.#closeGraceMs = options.closeGraceMs ?? DEFAULT_CLOSE_GRACE_MS;
  }

  /** Takes up whatever an earlier process left unfinished. */
  start(): void {
    const { store } = this.context;
    for (const instanceId of store.messages.recipients()) this.#instances.wake(instanceId);
    for (const entityId of store.entities.recipients()) this.#entities.wake(entityId);
    this.#activities.pump();
    this.#timers.start();
  }

  /** Whether the store is closed; until then messages are taken, for the next start to heed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#timers.stop();
    await this.#drain();
    this.#activities.abandon();
    this.#isClosed = true;
    this.endWaiters.releaseAll();
    this.context.store.close();
  }

  /** What is cut off after the grace starts again at the next start: nothing of it was committed. */
  async #drain(): Promise<void> {
    const { clock, log } = this.context;
    const timeUp = new AbortController();
    const drained = Promise.all([
      this.#instances.stop(),
      this.#entities.stop(),
      this.#activities.stop(),
    ]).then(() => true);
    const grace = delay(clock, this.#closeGraceMs, timeUp.signal).then(
      () => false,
      () => true,
    );
    if (!(await Promise.race([drained, grace]))) {
      log(`Durable: what still ran after ${this.#closeGraceMs} ms is run again at the next start.`);
    }
    timeUp.abort();
  }

  #onCommit(notes: CommitNotes): void {
    for (const instanceId of notes.instances) this.#instances.wake(instanceId);
    for (const entityId of notes.entities) this.#entities.wake(entityId);
    for (const instanceId of notes.ended) this.endWaiters.ended(instanceId);
    if (notes.hasWork) this.#activities.pump();
    this.#timers.arm(notes.timerDueAt);
  }
}
