import type { TaskSource } from "../history-events.ts";
import { type Action, ActionType, encodedInput, rawInput } from "./actions.ts";
import type { Command } from "./commands.ts";

/** Commands in the order of their ids, or the reason why the orchestrator cannot go on. */
export type NewCommands = { commands: Command[] } | { refusal: string };

class Refusal extends Error {}

/**
 * Gives ids to actions that the orchestrator asked for the first time: depth first through compound
 * actions, which is the order in which the SDK counts when a task is first yielded.
 */
export function commandsForNewActions(
  actions: readonly Action[],
  firstIndex: number,
  firstId: number,
): NewCommands {
  const commands: Command[] = [];
  const visit = (action: Action, path: string): void => {
    if (action.compoundActions) {
      for (const [index, child] of action.compoundActions.entries()) {
        visit(child, `${path}.${index}`);
      }
      return;
    }
    const command = commandFor(action, firstId + commands.length, { path });
    if (command) commands.push(command);
  };
  try {
    for (let index = firstIndex; index < actions.length; index++) {
      const action = actions[index];
      if (action) visit(action, String(index));
    }
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error.message };
    throw error;
  }
  return { commands };
}

/** The first or a later attempt of an action; undefined for actions that take no id. */
export function commandFor(
  action: Action,
  taskId: number,
  source: TaskSource,
): Command | undefined {
  const task = { taskId, source };
  const name = action.functionName ?? "";
  switch (action.actionType) {
    case ActionType.CallActivity:
      return { ...task, type: "activity", name, input: encodedInput(action.input) };
    case ActionType.CallActivityWithRetry:
      return { ...attempted(task), type: "activity", name, input: encodedInput(action.input) };
    case ActionType.CallSubOrchestrator:
      return { ...task, ...subOrchestration(action) };
    case ActionType.CallSubOrchestratorWithRetry:
      return { ...attempted(task), ...subOrchestration(action) };
    case ActionType.CreateTimer:
      return { ...task, ...timer(action) };
    case ActionType.CallEntity:
      return { ...task, type: "callEntity", ...operation(action) };
    case ActionType.SignalEntity:
      return { ...task, type: "signalEntity", ...operation(action) };
    case ActionType.CallHttp:
      return { ...task, type: "http", request: httpRequest(action) };
    case ActionType.WaitForExternalEvent:
      return refuseNumericEvent(action);
    case ActionType.ContinueAsNew:
      return undefined;
    default:
      throw new Refusal(unsupported(action.actionType));
  }
}

function attempted<T extends { source: TaskSource }>(task: T): T {
  return { ...task, source: { attempt: 1, ...task.source } };
}

function subOrchestration(action: Action) {
  return {
    type: "subOrchestration",
    name: action.functionName ?? "",
    instanceId: action.instanceId || undefined,
    version: action.version,
    input: rawInput(action.input),
  } as const;
}

function timer(action: Action) {
  const fireAt = Date.parse(action.fireAt ?? "");
  if (Number.isNaN(fireAt)) throw new Refusal("createTimer was given an invalid date.");
  return { type: "timer", fireAt, isCanceled: action.isCanceled === true } as const;
}

function operation(action: Action) {
  return {
    target: action.instanceId ?? "",
    operation: action.operation ?? "",
    input: rawInput(action.input),
  };
}

function httpRequest(action: Action) {
  const request = action.httpRequest;
  if (!request) throw new Refusal("callHttp was given no request.");
  if (request.tokenSource) throw new Refusal(notEmulated("callHttp with a token source"));
  return request;
}

function refuseNumericEvent(action: Action): undefined {
  const refusal = numericEventName(action.externalEventName ?? "");
  if (refusal) throw new Refusal(refusal);
}

/**
 * Why an event name cannot be used, if it cannot: the SDK keeps events and tasks in one table, so an
 * event named `3` would complete task 3.
 */
export function numericEventName(name: string): string | undefined {
  if (!/^\d+$/.test(name)) return undefined;
  return `The external event name "${name}" is a number: it would be taken for the task with that id. Give the event a name with a letter in it.`;
}

const notEmulated = (feature: string): string => `The local stack does not emulate ${feature}.`;

function unsupported(actionType: number): string {
  const isLock =
    actionType === ActionType.LockEntities || actionType === ActionType.ReleaseEntities;
  return notEmulated(isLock ? "entity locks (context.df.lock)" : `action type ${actionType}`);
}
