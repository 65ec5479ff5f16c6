import { type HistoryEvent, historyEvent } from "../history-events.ts";
import type { HttpCallRequest } from "../planner/actions.ts";
import type {
  ActivityCommand,
  Command,
  EntityCommand,
  HttpCommand,
  SubOrchestrationCommand,
  TimerCommand,
} from "../planner/commands.ts";
import type { InstanceRow } from "../store/instance-table.ts";
import type { Store } from "../store/store.ts";
import { newId, startInstance } from "./start-instance.ts";

/** The platform's name for the activity behind `callHttp`. */
const HTTP_ACTIVITY_NAME = "BuiltIn::HttpActivity";

interface Scene {
  store: Store;
  row: InstanceRow;
  nowMs: number;
}

/** Sets off each command, within a commit, and returns the events that record them. */
export function applyCommands(scene: Scene, commands: readonly Command[]): HistoryEvent[] {
  return commands.map((command) => applyCommand(scene, command));
}

function applyCommand(scene: Scene, command: Command): HistoryEvent {
  switch (command.type) {
    case "activity":
      return scheduleActivity(scene, command);
    case "http":
      return scheduleHttp(scene, command);
    case "timer":
      return createTimer(scene, command);
    case "subOrchestration":
      return startChild(scene, command);
    case "callEntity":
    case "signalEntity":
      return sendToEntity(scene, command);
    default:
      return command satisfies never;
  }
}

function scheduleActivity({ store, row, nowMs }: Scene, command: ActivityCommand): HistoryEvent {
  const { taskId, source, name, input = null } = command;
  const { instanceId, executionId } = row;
  store.scheduleWork({ instanceId, executionId, taskId, kind: "activity", name, input });
  return historyEvent("TaskScheduled", nowMs, { EventId: taskId, Name: name, Source: source });
}

function scheduleHttp({ store, row, nowMs }: Scene, command: HttpCommand): HistoryEvent {
  const { taskId, source } = command;
  const { instanceId, executionId } = row;
  const name = HTTP_ACTIVITY_NAME;
  const input = JSON.stringify(command.request satisfies HttpCallRequest);
  store.scheduleWork({ instanceId, executionId, taskId, kind: "http", name, input });
  return historyEvent("TaskScheduled", nowMs, { EventId: taskId, Name: name, Source: source });
}

function createTimer({ store, row, nowMs }: Scene, command: TimerCommand): HistoryEvent {
  const { taskId, source, fireAt } = command;
  const { instanceId, executionId } = row;
  if (!command.isCanceled) store.createTimer({ instanceId, executionId, taskId, fireAt });
  return historyEvent("TimerCreated", nowMs, {
    EventId: taskId,
    FireAt: new Date(fireAt).toISOString(),
    Source: source,
  });
}

function startChild({ store, row, nowMs }: Scene, command: SubOrchestrationCommand): HistoryEvent {
  const { taskId, source, name, input = null, version } = command;
  const instanceId = command.instanceId ?? `${row.executionId}:${taskId}`;
  const parent = {
    instanceId: row.instanceId,
    executionId: row.executionId,
    name: row.name,
    taskId,
  };
  if (!startInstance(store, { instanceId, name, version, input, parent }, nowMs)) {
    const failure = historyEvent("SubOrchestrationInstanceFailed", nowMs, {
      TaskScheduledId: taskId,
      Reason: `An instance with the id '${instanceId}' exists already and has not ended.`,
      Details: "",
    });
    store.sendMessage(row.instanceId, row.executionId, failure);
  }
  return historyEvent("SubOrchestrationInstanceCreated", nowMs, {
    EventId: taskId,
    Name: name,
    InstanceId: instanceId,
    Source: source,
  });
}

function sendToEntity({ store, row, nowMs }: Scene, command: EntityCommand): HistoryEvent {
  const { taskId, source, target, operation, input } = command;
  const isSignal = command.type === "signalEntity";
  const requestId = newId();
  store.sendToEntity(target, {
    operation,
    input: input ?? null,
    requestId,
    callerId: isSignal ? null : row.instanceId,
    callerExecutionId: isSignal ? null : row.executionId,
  });
  const request = {
    id: requestId,
    op: operation,
    signal: isSignal,
    input,
    parent: row.instanceId,
  };
  return historyEvent("EventSent", nowMs, {
    EventId: taskId,
    InstanceId: target,
    Name: "op",
    Input: JSON.stringify(request),
    Source: source,
  });
}
