import * as df from "durable-functions";
import type { Program, Step, Task } from "./fuzz-program.ts";

const failures = new Map<string, number>();

/** True for the first `times` calls with a key. */
function failsYet(key: string, times: number): boolean {
  const failed = failures.get(key) ?? 0;
  if (failed < times) failures.set(key, failed + 1);
  return failed < times;
}

/** Registers the orchestration `fuzz`, which runs the program in its input, and what it calls. */
export function registerFuzzFunctions(): void {
  df.app.activity("fuzzWork", {
    handler: async ({ key, failTimes }: { key: string; failTimes: number }) => {
      // Results of parallel tasks shall arrive in changing order and in changing company.
      for (let turns = key.length + (Number(key.split("-")[1]) % 7); turns > 0; turns--) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (failsYet(key, failTimes)) throw new Error(`failing ${key}`);
      return key;
    },
  });
  df.app.entity("FuzzCounter", (context) => {
    const count = Number(context.df.getState(() => 0)) + 1;
    context.df.setState(count);
    context.df.return(count);
  });
  df.app.orchestration("fuzz", function* (context) {
    const program = context.df.getInput<Program>();
    const results: unknown[] = [];
    for (const step of program.steps) results.push(yield* runStep(context, step));
    if (program.next) context.df.continueAsNew(program.next);
    if (program.failTimes > 0) {
      const input = { key: `${program.key}-0`, failTimes: program.failTimes };
      yield context.df.callActivity("fuzzWork", input);
    }
    return results;
  });
}

function* runStep(context: df.OrchestrationContext, step: Step): Generator<df.Task, unknown> {
  const { task, children } = taskOf(context, step.task);
  for (let count = 0; count < step.signals; count++) {
    context.df.signalEntity(new df.EntityId("FuzzCounter", `s${count}`), "add", 1);
  }
  const outcome = yield* settled(task);
  const again = step.yieldAgain === undefined ? undefined : children[step.yieldAgain];
  if (again) return [outcome, yield* settled(again)];
  if (step.cancelsTimers) {
    for (const child of children) {
      if ("cancel" in child && !child.isCompleted) (child as df.TimerTask).cancel();
    }
  }
  return outcome;
}

function* settled(task: df.Task): Generator<df.Task, unknown> {
  try {
    yield task;
    return "done";
  } catch {
    return "failed";
  }
}

interface Built {
  task: df.Task;
  /** Of a Task.any. */
  children: df.Task[];
}

function taskOf(context: df.OrchestrationContext, task: Task): Built {
  const { df: durable } = context;
  switch (task.kind) {
    case "activity":
      return alone(durable.callActivity("fuzzWork", task));
    case "retry":
      return alone(durable.callActivityWithRetry("fuzzWork", retry(task.attempts), task));
    case "timer":
      return alone(durable.createTimer(new Date(durable.currentUtcDateTime.getTime() + task.ms)));
    case "event":
      return alone(durable.waitForExternalEvent(task.name));
    case "child":
      return alone(durable.callSubOrchestrator("fuzz", task.program));
    case "childRetry":
      return alone(
        durable.callSubOrchestratorWithRetry("fuzz", retry(task.attempts), task.program),
      );
    case "entity":
      return alone(durable.callEntity(new df.EntityId("FuzzCounter", task.key), "add", 1));
    case "all":
    case "any": {
      const children = task.tasks.map((child) => taskOf(context, child).task);
      const compound =
        task.kind === "all" ? durable.Task.all(children) : durable.Task.any(children);
      return { task: compound, children };
    }
    default:
      return task satisfies never;
  }
}

const alone = (task: df.Task): Built => ({ task, children: [] });

function retry(attempts: number): df.RetryOptions {
  return Object.assign(new df.RetryOptions(2, attempts), { backoffCoefficient: 1.5 });
}
