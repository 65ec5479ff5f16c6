import type { FailureDetails } from "../failure-details.ts";
import { type HistoryEvent, historyEvent } from "../history-events.ts";
import type { InstanceRow, RuntimeStatus } from "../store/instance-table.ts";
import type { Store } from "../store/store.ts";

/** How an instance ended. */
export interface End {
  status: Extract<RuntimeStatus, "Completed" | "Failed" | "Terminated">;
  /** JSON text. */
  output: string;
  failureDetails?: FailureDetails;
}

/** The platform's words for an orchestrator that threw. */
export function failure(row: InstanceRow, error: string, details?: FailureDetails): End {
  const message = `Orchestrator function '${row.name}' failed: ${error}`;
  const failureDetails = details && { failureDetails: details };
  return { status: "Failed", output: JSON.stringify(message), ...failureDetails };
}

/** The event that closes an instance's history. */
export function endEvent(end: End, nowMs: number): HistoryEvent {
  const fields = { OrchestrationStatus: end.status, Result: end.output };
  return historyEvent(
    end.status === "Failed" ? "ExecutionFailed" : "ExecutionCompleted",
    nowMs,
    fields,
  );
}

/**
 * Lets go of what the instance still waited for and tells its parent, within a commit. Activities
 * that were scheduled still run, as on the platform; nobody hears of their results.
 */
export function closeInstance(store: Store, row: InstanceRow, end: End): void {
  store.timers.deleteAll(row.instanceId);
  store.messages.deleteAll(row.instanceId);
  store.noteEnd(row.instanceId);
  if (row.parentId !== null && row.parentTaskId !== null) {
    const event = parentEvent(row.parentTaskId, end, row.updatedAt);
    store.sendMessage(row.parentId, row.parentExecutionId, event);
  }
}

function parentEvent(taskId: number, end: End, nowMs: number): HistoryEvent {
  if (end.status === "Completed") {
    return historyEvent("SubOrchestrationInstanceCompleted", nowMs, {
      TaskScheduledId: taskId,
      Result: end.output,
    });
  }
  return historyEvent("SubOrchestrationInstanceFailed", nowMs, {
    TaskScheduledId: taskId,
    Reason: String(JSON.parse(end.output)),
    Details: "",
    ...(end.failureDetails && { FailureDetails: end.failureDetails }),
  });
}
