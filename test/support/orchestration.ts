import type * as df from "durable-functions";
import { type Mock, vi } from "vitest";

/** What a hand-driven orchestrator asked for. */
export type Asked =
  | { readonly kind: "activity"; readonly name: string; readonly input: unknown }
  | { readonly kind: "timer"; readonly at: number; readonly cancel: Mock<() => void> }
  | { readonly kind: "event"; readonly name: string; result?: unknown }
  | { readonly kind: "any"; readonly tasks: readonly Asked[] };

type Orchestrator = (context: df.OrchestrationContext) => Generator<df.Task, unknown, unknown>;

/**
 * Drives an orchestrator's generator by hand: each step shows what it asked for, and the test says
 * what came of it and what time it is then. Scope: one test.
 */
export class Orchestration {
  readonly continueAsNew = vi.fn<(input: unknown) => void>();
  /** How each activity is to be repeated when it fails. */
  readonly retries: df.RetryOptions[] = [];
  nowMs: number;
  readonly #generator: Generator<df.Task, unknown, unknown>;
  #step: IteratorResult<df.Task, unknown>;

  constructor(orchestrator: Orchestrator, input: unknown, nowMs: number) {
    this.nowMs = nowMs;
    this.#generator = orchestrator({ df: this.#context(input) } as df.OrchestrationContext);
    this.#step = this.#generator.next();
  }

  get isDone(): boolean {
    return this.#step.done === true;
  }

  get asked(): Asked {
    if (this.isDone) throw new Error("The orchestrator has ended.");
    return this.#step.value as unknown as Asked;
  }

  /** Gives the orchestrator what it waits for. */
  resume(value?: unknown): void {
    this.#step = this.#generator.next(value);
  }

  /** The event of a pending race comes first, with its value. */
  raise(result: unknown): void {
    const event = this.#racer("event");
    if (event.kind === "event") event.result = result;
    this.resume(event);
  }

  /** The timer of a pending race comes first. */
  elapse(): void {
    const timer = this.#racer("timer");
    if (timer.kind === "timer") this.nowMs = timer.at;
    this.resume(timer);
  }

  #racer(kind: Asked["kind"]): Asked {
    const found = this.asked.kind === "any" && this.asked.tasks.find((task) => task.kind === kind);
    if (!found) throw new Error(`The orchestrator does not race for a ${kind}.`);
    return found;
  }

  #context(input: unknown) {
    const now = (): Date => new Date(this.nowMs);
    return {
      getInput: () => input,
      get currentUtcDateTime() {
        return now();
      },
      callActivityWithRetry: (name: string, retry: df.RetryOptions, of: unknown) => {
        this.retries.push(retry);
        return { kind: "activity", name, input: of };
      },
      createTimer: (at: Date) => ({ kind: "timer", at: at.getTime(), cancel: vi.fn() }),
      waitForExternalEvent: (name: string) => ({ kind: "event", name }),
      Task: { any: (tasks: Asked[]) => ({ kind: "any", tasks }) },
      continueAsNew: this.continueAsNew,
    } as unknown as df.DurableOrchestrationContext;
  }
}
