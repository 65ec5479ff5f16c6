import { type HistoryEvent, historyEvent } from "../history-events.ts";
import { DEFAULT_HTTP_POLL_MS } from "../planner/http-poll.ts";
import type { InstanceRow } from "../store/instance-table.ts";

// TimeSpan.MaxValue in days: with it the SDK never splits a long timer into short ones, which it
// does for a storage provider that cannot hold a message for long. This engine can.
const FOR_EVER = "10675199.00:00:00";

const SETTINGS = JSON.stringify({
  // Values of ReplaySchema: V2 for SDKs that know no newer property, V4 for this one.
  upperSchemaVersion: 1,
  upperSchemaVersionNew: 3,
  longRunningTimerIntervalDuration: "3.00:00:00",
  maximumShortTimerDuration: FOR_EVER,
  defaultHttpAsyncRequestSleepTimeMillseconds: DEFAULT_HTTP_POLL_MS,
});

/** One episode's input. */
export interface OrchestrationTrigger {
  row: InstanceRow;
  /** What earlier episodes played, as the text of a JSON array without its brackets. */
  historyText: string;
  events: readonly HistoryEvent[];
  nowMs: number;
}

/** JSON text that an orchestration trigger receives. */
export function orchestrationTrigger({
  row,
  historyText,
  events,
  nowMs,
}: OrchestrationTrigger): string {
  const fresh = [historyEvent("OrchestratorStarted", nowMs), ...events].map((event) =>
    JSON.stringify(event),
  );
  const history = historyText ? [historyText, ...fresh] : fresh;
  const facts = JSON.stringify({
    instanceId: row.instanceId,
    isReplaying: historyText !== "",
    parentInstanceId: row.parentId,
  });
  return `{"history":[${history.join(",")}],"input":${row.input ?? "null"},${facts.slice(1, -1)},${SETTINGS.slice(1)}`;
}
