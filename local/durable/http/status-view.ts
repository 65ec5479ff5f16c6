import type { HistoryEvent } from "../history-events.ts";
import type { InstanceRow } from "../store/instance-table.ts";
import { historyView } from "./history-view.ts";

/** Which parts of an instance a status shows. */
export interface StatusParts {
  showInput: boolean;
  showHistoryOutput: boolean;
  /** Absent when the history is not asked for. */
  history?: readonly HistoryEvent[];
}

/** An instance as the management API describes it. */
export function statusView(row: InstanceRow, parts: StatusParts) {
  return {
    name: row.name,
    instanceId: row.instanceId,
    runtimeStatus: row.status,
    input: parts.showInput ? parsed(row.input) : null,
    customStatus: parsed(row.customStatus),
    output: parsed(row.output),
    createdTime: wholeSeconds(row.createdAt),
    lastUpdatedTime: wholeSeconds(row.updatedAt),
    ...(parts.history && { historyEvents: historyView(parts.history, parts.showHistoryOutput) }),
  };
}

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

function wholeSeconds(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}
