import { EventType, type HistoryEvent } from "../history-events.ts";
import { type Action, actionAt } from "./actions.ts";
import type { Command } from "./commands.ts";
import { httpPoll } from "./http-poll.ts";
import type { Ledger, OpenTask } from "./ledger.ts";
import { commandFor } from "./new-actions.ts";
import { retryDelayMs } from "./retry-delay.ts";

/** What a finished step makes the SDK start by itself, before the orchestrator's code runs on. */
export interface Continuation {
  commands: Command[];
  /** How many ids it takes; a poll takes the id of its next request together with the timer's. */
  ids: number;
}

const NONE: Continuation = { commands: [], ids: 0 };

interface Step {
  event: HistoryEvent;
  actions: readonly Action[];
  nextId: number;
  nowMs: number;
}

/** The next step of a task with retries, or of a polled HTTP call, that `event` has brought on. */
export function continuation(ledger: Ledger, step: Step): Continuation {
  const { event } = step;
  const taskId = event.TimerId ?? event.TaskScheduledId;
  const task = taskId === undefined ? undefined : ledger.open.get(taskId);
  const action = task && actionAt(step.actions, task.path);
  if (!task || !action || taskId === undefined) return NONE;
  switch (event.EventType) {
    case EventType.TaskFailed:
    case EventType.SubOrchestrationInstanceFailed:
      return waitBeforeRetry(task, action, step);
    case EventType.TimerFired:
      return task.pollUrl === undefined
        ? nextAttempt(task, action, step)
        : { commands: [nextPoll(task, task.pollUrl, taskId + 1)], ids: 0 };
    case EventType.TaskCompleted:
      return waitBeforePoll(task, action, step);
    default:
      return NONE;
  }
}

// The SDK waits after every failed attempt, the last one included, and only then gives up. Without
// that last timer the orchestrator would wait for ever.
function waitBeforeRetry(task: OpenTask, action: Action, step: Step): Continuation {
  if (task.attempt === undefined || !action.retryOptions) return NONE;
  const { path, attempt } = task;
  const fireAt = step.nowMs + retryDelayMs(action.retryOptions, attempt);
  const source = { path, attempt };
  return {
    commands: [{ type: "timer", taskId: step.nextId, source, fireAt, isCanceled: false }],
    ids: 1,
  };
}

function nextAttempt(task: OpenTask, action: Action, step: Step): Continuation {
  if (task.attempt === undefined || !action.retryOptions) return NONE;
  const { maxNumberOfAttempts: max } = action.retryOptions;
  if (max !== null && task.attempt >= max) return NONE;
  const source = { path: task.path, attempt: task.attempt + 1 };
  const command = commandFor(action, step.nextId, source);
  return command ? { commands: [command], ids: 1 } : NONE;
}

function waitBeforePoll(task: OpenTask, action: Action, step: Step): Continuation {
  const poll = httpPoll(action, step.event.Result ?? "null");
  if (!poll) return NONE;
  const source = { path: task.path, pollUrl: poll.url };
  const fireAt = step.nowMs + poll.delayMs;
  return {
    commands: [{ type: "timer", taskId: step.nextId, source, fireAt, isCanceled: false }],
    ids: 2,
  };
}

function nextPoll(task: OpenTask, url: string, taskId: number): Command {
  const request = { method: "GET", uri: url };
  return { type: "http", taskId, source: { path: task.path }, request };
}
