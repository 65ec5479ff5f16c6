import type { FailureDetails } from "./failure-details.ts";

/** Numbers of the history event types, as `durable-functions` reads them. */
export const EventType = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionFailed: 2,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  SubOrchestrationInstanceCreated: 7,
  SubOrchestrationInstanceCompleted: 8,
  SubOrchestrationInstanceFailed: 9,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventSent: 14,
  EventRaised: 15,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

/** The name of a history event type. */
export type EventTypeName = keyof typeof EventType;

/** Where in the orchestrator's action tree a task came from; the engine's own, the SDK ignores it. */
export interface TaskSource {
  /** Indexes from the top-level action down through compound actions: `2` or `0.1.3`. */
  path: string;
  /** Counts from 1; present on the attempts of a task with retries and on the timers between them. */
  attempt?: number;
  /** On the timer between two polls of `callHttp`: the URL that is asked next. */
  pollUrl?: string;
}

/** One row of an instance's history, in the form the SDK replays. */
export interface HistoryEvent {
  IsPlayed: boolean;
  EventType: number;
  /** The task id on events that create a task, -1 on all others. */
  EventId: number;
  Timestamp: string;
  Name?: string;
  Version?: string;
  /** JSON text. */
  Input?: string | null;
  /** JSON text. */
  Result?: string;
  Reason?: string;
  Details?: string;
  /** Where present, the SDK reads it in place of Reason and Details. */
  FailureDetails?: FailureDetails;
  TaskScheduledId?: number;
  TimerId?: number;
  FireAt?: string;
  InstanceId?: string;
  OrchestrationInstance?: { InstanceId: string; ExecutionId: string };
  ParentInstance?: {
    Name: string;
    OrchestrationInstance: { InstanceId: string; ExecutionId: string };
    TaskScheduleId: number;
  } | null;
  OrchestrationStatus?: string;
  /** Engine's own, on events that create a task. */
  Source?: TaskSource;
  /** Engine's own, on `OrchestratorCompleted`: fingerprints of the actions this episode added. */
  Actions?: string[];
  /** Engine's own, on `OrchestratorCompleted`: the first task id not given out yet. */
  NextId?: number;
}

const CONTROL: ReadonlySet<number> = new Set([
  EventType.ExecutionTerminated,
  EventType.ExecutionSuspended,
  EventType.ExecutionResumed,
]);

/** Whether an event is for the engine, not for the orchestrator's code. */
export function isControlEvent(event: HistoryEvent): boolean {
  return CONTROL.has(event.EventType);
}

type Fields = Omit<Partial<HistoryEvent>, "EventType" | "Timestamp" | "IsPlayed">;

/** Builds an event that has not been played yet. */
export function historyEvent(type: EventTypeName, atMs: number, fields: Fields = {}): HistoryEvent {
  return {
    IsPlayed: false,
    EventType: EventType[type],
    EventId: -1,
    Timestamp: new Date(atMs).toISOString(),
    ...fields,
  };
}

// `IsPlayed` is the first property of every event, so that flipping it needs no parsing.
const UNPLAYED = '{"IsPlayed":false,';
const PLAYED = '{"IsPlayed":true,';

/** The JSON text of an event once it belongs to the past. */
export function playedText(eventText: string): string {
  return eventText.startsWith(UNPLAYED) ? PLAYED + eventText.slice(UNPLAYED.length) : eventText;
}
