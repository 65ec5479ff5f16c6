import { EventType, type HistoryEvent, type TaskSource } from "../history-events.ts";

/** A task that has an id and has not ended yet. */
export interface OpenTask extends TaskSource {
  /** The event type that created it. */
  createdBy: number;
}

/**
 * What an execution has handed out so far, read from its history alone. Together with the action
 * tree it decides every id that follows.
 */
export interface Ledger {
  nextId: number;
  /** One per top-level action, in order. */
  fingerprints: string[];
  open: Map<number, OpenTask>;
}

/** The ledger of an execution that has not run yet. */
export function emptyLedger(): Ledger {
  return { nextId: 0, fingerprints: [], open: new Map() };
}

const CREATING: ReadonlySet<number> = new Set([
  EventType.TaskScheduled,
  EventType.SubOrchestrationInstanceCreated,
  EventType.TimerCreated,
]);

/** Enters the events of one committed episode. */
export function enterEvents(ledger: Ledger, events: readonly HistoryEvent[]): void {
  for (const event of events) {
    if (CREATING.has(event.EventType) && event.Source) {
      ledger.open.set(event.EventId, { ...event.Source, createdBy: event.EventType });
    }
    const endedId = endedTaskId(event);
    if (endedId !== undefined) ledger.open.delete(endedId);
    if (event.EventType === EventType.OrchestratorCompleted) {
      ledger.fingerprints.push(...(event.Actions ?? []));
      ledger.nextId = event.NextId ?? ledger.nextId;
    }
  }
}

/** The id of the task that an event ends, or undefined when it ends none. */
export function endedTaskId(event: HistoryEvent): number | undefined {
  return event.EventType === EventType.TimerFired ? event.TimerId : event.TaskScheduledId;
}
