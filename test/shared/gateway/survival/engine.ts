import * as df from "durable-functions";
import { vi } from "vitest";
import { JOB_ACTIVITIES, registerJobOrchestrator } from "../../../../functions/job.orchestrator.ts";
import {
  checkAttempt,
  enqueueAttempt,
  expireJob,
  pollProvider,
  releaseProvider,
  type Services,
  settleEvents,
} from "../../../../shared/gateway/index.ts";
import { Orchestration } from "../../../support/orchestration.ts";

const RETRY_MS = 10_000;

type Orchestrator = ConstructorParameters<typeof Orchestration>[0];

/** Who runs activities. */
export interface ActivityHost {
  readonly isDead: boolean;
  readonly services: Services;
}

interface Instance {
  course: Orchestration;
  readonly events: unknown[];
  isOver: boolean;
  work: Work | undefined;
}

interface Work {
  readonly host: ActivityHost;
  state: "running" | "failed" | { readonly result: unknown };
  againAt: number;
}

// biome-ignore lint/suspicious/noExplicitAny: each activity has an input of its own
const ACTIVITIES: Record<string, (services: Services, ref: any) => Promise<unknown>> = {
  [JOB_ACTIVITIES.enqueue]: enqueueAttempt,
  [JOB_ACTIVITIES.check]: checkAttempt,
  [JOB_ACTIVITIES.expire]: expireJob,
  [JOB_ACTIVITIES.poll]: pollProvider,
  [JOB_ACTIVITIES.release]: (services, { jobId }) => releaseProvider(services, jobId),
  [JOB_ACTIVITIES.settle]: settleEvents,
};

/** The real orchestrator of jobs in an engine that survives everything, and runs activities at least once. */
export class Engine {
  readonly #orchestrator: Orchestrator;
  readonly #instances = new Map<string, Instance>();
  readonly #random: () => number;
  doubled = 0;

  constructor(random: () => number) {
    this.#random = random;
    const register = vi.spyOn(df.app, "orchestration").mockReturnValue(undefined as never);
    registerJobOrchestrator();
    this.#orchestrator = register.mock.calls.at(-1)?.[1] as unknown as Orchestrator;
    register.mockRestore();
  }

  get isIdle(): boolean {
    return [...this.#instances.values()].every(({ isOver }) => isOver);
  }

  get ids(): readonly string[] {
    return [...this.#instances.keys()];
  }

  start(id: string, input: unknown, nowMs: number): boolean {
    if (this.#instances.get(id)?.isOver === false) return false;
    const course = new Orchestration(this.#orchestrator, JSON.parse(JSON.stringify(input)), nowMs);
    this.#instances.set(id, { course, events: [], isOver: false, work: undefined });
    return true;
  }

  signal(id: string, signal: unknown): void {
    const events = this.#instances.get(id)?.events;
    events?.push(signal);
    if (this.#random() < this.doubled) events?.push(signal);
  }

  purge(id: string): void {
    this.#instances.delete(id);
  }

  /** Goes on with every instance as far as it can. */
  turn(host: ActivityHost, nowMs: number): void {
    for (const instance of this.#instances.values()) {
      while (!instance.isOver && this.#step(instance, host, nowMs));
    }
  }

  #step(instance: Instance, host: ActivityHost, nowMs: number): boolean {
    const { course } = instance;
    course.nowMs = Math.max(course.nowMs, nowMs);
    if (course.isDone) return this.#end(instance, nowMs);
    const { asked } = course;
    if (asked.kind === "activity") return this.#work(instance, { asked, host }, nowMs);
    if (asked.kind === "timer") {
      if (asked.at > nowMs) return false;
      course.resume();
      return true;
    }
    if (asked.kind !== "any") throw new Error(`Nobody waits for ${asked.kind} alone.`);
    if (instance.events.length > 0) {
      course.raise(instance.events.shift());
      return true;
    }
    const timer = asked.tasks.find((task) => task.kind === "timer");
    if (timer?.kind !== "timer" || timer.at > nowMs) return false;
    course.elapse();
    return true;
  }

  #end(instance: Instance, nowMs: number): boolean {
    const [next] = instance.course.continueAsNew.mock.calls.at(-1) ?? [];
    instance.isOver = next === undefined;
    if (next) {
      instance.course = new Orchestration(
        this.#orchestrator,
        JSON.parse(JSON.stringify(next)),
        nowMs,
      );
    }
    return next !== undefined;
  }

  #work(
    instance: Instance,
    { asked, host }: { asked: { name: string; input: unknown }; host: ActivityHost },
    nowMs: number,
  ): boolean {
    const { work } = instance;
    if (work && typeof work.state === "object") {
      instance.work = undefined;
      if (this.#random() < this.doubled) return true;
      instance.course.resume(work.state.result);
      return true;
    }
    const isLost = work?.host.isDead === true;
    if (work && !isLost && (work.state === "running" || work.againAt > nowMs)) return false;
    const next: Work = { host, state: "running", againAt: nowMs + RETRY_MS };
    instance.work = next;
    const run = ACTIVITIES[asked.name];
    if (!run) throw new Error(`There is no activity ${asked.name}.`);
    run(host.services, JSON.parse(JSON.stringify(asked.input))).then(
      (result) => {
        next.state = {
          result: result === undefined ? undefined : JSON.parse(JSON.stringify(result)),
        };
      },
      () => {
        next.state = "failed";
      },
    );
    return false;
  }
}
