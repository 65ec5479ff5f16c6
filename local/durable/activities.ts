import type { EngineContext } from "./engine/engine-context.ts";
import { missingFunction, registeredName } from "./engine/function-names.ts";
import { failureDetailsOf } from "./failure-details.ts";
import { type HistoryEvent, historyEvent } from "./history-events.ts";
import { callHttp } from "./http-call.ts";
import type { HttpCallRequest } from "./planner/actions.ts";
import type { WorkItem } from "./store/work-table.ts";

// How many items are read ahead; the queue itself stays in the store, so memory is bounded.
const READ_AHEAD = 64;

// As for orchestrators: a run fails only when the store does.
const RETRY_AFTER_FAILURE_MS = 1_000;

/**
 * Runs activities and HTTP calls, each at least once: a work item goes in the same commit that
 * brings its result, so a crash in between runs it again, and a second result finds no item and is
 * dropped. Scope: one engine.
 */
export class Activities {
  readonly #context: EngineContext;
  readonly #limit: number;
  readonly #abort = new AbortController();
  #cursor = 0;
  #ahead: WorkItem[] = [];
  #running = 0;
  #isStopped = false;
  #onIdle: () => void = () => {};

  constructor(context: EngineContext, limit: number) {
    this.#context = context;
    this.#limit = limit;
  }

  /** Starts what is waiting, as far as there is room. */
  pump(): void {
    while (!this.#isStopped && this.#running < this.#limit) {
      const item = this.#next();
      if (!item) return;
      this.#running += 1;
      this.#run(item).then(
        () => this.#ended(),
        (error: unknown) => this.#failed(item, error),
      );
    }
  }

  /** Starts nothing more; resolves when what runs has ended. */
  stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Gives up on HTTP calls that still run; they are made again at the next start. */
  abandon(): void {
    this.#abort.abort();
  }

  #next(): WorkItem | undefined {
    if (this.#ahead.length === 0) {
      this.#ahead = this.#context.store.work.after(this.#cursor, READ_AHEAD);
      this.#cursor = this.#ahead.at(-1)?.id ?? this.#cursor;
    }
    return this.#ahead.shift();
  }

  async #run(item: WorkItem): Promise<void> {
    const { store } = this.#context;
    const event = await this.#outcome(item);
    if (!event) return;
    await store.commit(() => {
      if (store.work.delete(item.id)) store.sendMessage(item.instanceId, item.executionId, event);
    });
  }

  async #outcome(item: WorkItem): Promise<HistoryEvent | undefined> {
    const { clock } = this.#context;
    const TaskScheduledId = item.taskId;
    try {
      const Result = (await this.#invoke(item)) ?? "null";
      return historyEvent("TaskCompleted", clock.now(), { TaskScheduledId, Result });
    } catch (error) {
      if (this.#abort.signal.aborted) return undefined;
      return historyEvent("TaskFailed", clock.now(), {
        TaskScheduledId,
        ...reasonOf(item.name, error),
      });
    }
  }

  #invoke(item: WorkItem): Promise<string | undefined> {
    const { functions } = this.#context;
    if (item.kind === "http") {
      return callHttp(JSON.parse(item.input ?? "null") as HttpCallRequest, this.#abort.signal);
    }
    const name = registeredName(functions.activities, item.name);
    if (name === undefined) return Promise.reject(missingFunction(item.name, "activity"));
    return functions.invokeActivity(name, item.instanceId, item.input ?? undefined);
  }

  #ended(): void {
    this.#running -= 1;
    if (this.#isStopped && this.#running === 0) this.#onIdle();
    this.pump();
  }

  // The activity ran, but its result could not be stored: it runs again, as after a crash.
  #failed(item: WorkItem, error: unknown): void {
    this.#ended();
    if (this.#isStopped) return;
    const { clock, log } = this.#context;
    log(`Durable: the result of activity ${item.name} could not be stored: ${String(error)}`);
    clock.schedule(RETRY_AFTER_FAILURE_MS, () => {
      this.#ahead.push(item);
      this.pump();
    });
  }
}

function reasonOf(name: string, error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  const FailureDetails = failureDetailsOf(message);
  return {
    Reason: `Activity function '${name}' failed: ${FailureDetails?.ErrorMessage ?? message}`,
    Details: (error instanceof Error ? error.stack : undefined) ?? "",
    ...(FailureDetails && { FailureDetails }),
  };
}
