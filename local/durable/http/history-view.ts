import { EventType, type EventTypeName, type HistoryEvent } from "../history-events.ts";
import { endedTaskId } from "../planner/ledger.ts";

const NAME_OF = new Map<number, string>(
  (Object.entries(EventType) as [EventTypeName, number][]).map(([name, value]) => [value, name]),
);

const INTERNAL: ReadonlySet<number> = new Set([
  EventType.OrchestratorStarted,
  EventType.OrchestratorCompleted,
]);

const CREATING: ReadonlySet<number> = new Set([
  EventType.TaskScheduled,
  EventType.SubOrchestrationInstanceCreated,
  EventType.TimerCreated,
]);

type View = Record<string, unknown>;

/**
 * A history as people read it: types by name, each task as one entry where it ended, with the time
 * it was scheduled; tasks still open are listed as scheduled.
 */
export function historyView(events: readonly HistoryEvent[], showOutput: boolean): View[] {
  const ended = new Set(events.map(endedTaskId).filter((id) => id !== undefined));
  const scheduled = new Map<number, HistoryEvent>();
  const views: View[] = [];
  for (const event of events) {
    if (INTERNAL.has(event.EventType)) continue;
    const isCreating = CREATING.has(event.EventType);
    if (isCreating) scheduled.set(event.EventId, event);
    if (isCreating && ended.has(event.EventId)) continue;
    views.push(view(event, scheduled.get(endedTaskId(event) ?? -1), showOutput));
  }
  return views;
}

function view(event: HistoryEvent, origin: HistoryEvent | undefined, showOutput: boolean): View {
  const fields: View = {
    EventType: NAME_OF.get(event.EventType) ?? event.EventType,
    Timestamp: event.Timestamp,
  };
  if (origin) fields["ScheduledTime"] = origin.Timestamp;
  const name = origin?.Name ?? event.Name;
  if (name !== undefined)
    fields[event.EventType === EventType.EventRaised ? "Name" : "FunctionName"] = name;
  for (const key of ["FireAt", "InstanceId", "OrchestrationStatus", "Reason", "Details"] as const) {
    if (event[key] !== undefined) fields[key] = event[key];
  }
  if (showOutput) {
    if (event.Result !== undefined) fields["Result"] = JSON.parse(event.Result);
    if (event.Input) fields["Input"] = JSON.parse(event.Input);
  }
  return fields;
}
