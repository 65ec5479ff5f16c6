import { EventType, type HistoryEvent, isControlEvent } from "../history-events.ts";
import { endedTaskId, type Ledger } from "../planner/ledger.ts";
import type { InstanceRow } from "../store/instance-table.ts";
import type { Message } from "../store/message-table.ts";

/** A message with its event parsed. */
export interface Letter {
  message: Message;
  event: HistoryEvent;
}

/** An inbox, sorted. */
export interface Mail {
  /** Meant for an execution that is over. */
  stale: Message[];
  /** Terminate, suspend and resume, in order. */
  control: Letter[];
  /** For the orchestrator's code. */
  letters: Letter[];
  /** The event that ends the instance, if there is one. */
  termination: HistoryEvent | undefined;
  /** Whether the instance is suspended once the control events are heeded. */
  isSuspended: boolean;
}

/** Sorts what waits for an instance. */
export function sortMail(row: InstanceRow, messages: readonly Message[]): Mail {
  const mail: Mail = {
    stale: [],
    control: [],
    letters: [],
    termination: undefined,
    isSuspended: row.status === "Suspended",
  };
  for (const message of messages) {
    if (message.executionId !== null && message.executionId !== row.executionId) {
      mail.stale.push(message);
      continue;
    }
    const letter = { message, event: JSON.parse(message.event) as HistoryEvent };
    if (isControlEvent(letter.event)) heed(mail, letter);
    else mail.letters.push(letter);
  }
  return mail;
}

function heed(mail: Mail, letter: Letter): void {
  mail.control.push(letter);
  const { EventType: type } = letter.event;
  if (type === EventType.ExecutionTerminated) mail.termination ??= letter.event;
  else mail.isSuspended = type === EventType.ExecutionSuspended;
}

/**
 * Whether the execution waits for this event. An activity that ran twice, or a timer that was
 * cancelled while it fired, ends a task that has ended already: the SDK would keep it for ever.
 */
export function isExpected(ledger: Ledger, event: HistoryEvent): boolean {
  const taskId = endedTaskId(event);
  return taskId === undefined || ledger.open.has(taskId);
}
