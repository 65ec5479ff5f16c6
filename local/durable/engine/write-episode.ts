import { type HistoryEvent, historyEvent } from "../history-events.ts";
import type { Command } from "../planner/commands.ts";
import type { OrchestratorAnswer } from "../planner/orchestrator-answer.ts";
import type { InstanceRow } from "../store/instance-table.ts";
import type { Message } from "../store/message-table.ts";
import type { Store } from "../store/store.ts";
import { applyCommands } from "./apply-commands.ts";
import { closeInstance, type End, endEvent, failure } from "./end-instance.ts";
import { chunkText } from "./execution-cache.ts";
import { newId, startEvent } from "./start-instance.ts";

/** What one episode changes. */
export interface EpisodeRecord {
  row: InstanceRow;
  nowMs: number;
  consumed: readonly Message[];
  events: readonly HistoryEvent[];
  commands: readonly Command[];
  cancelledTimerIds: readonly number[];
  fingerprints: string[];
  nextId: number;
  customStatus: string | undefined;
  end: OrchestratorAnswer["end"];
}

/** An episode as it was written. */
export interface WrittenEpisode {
  events: HistoryEvent[];
  text: string;
  /** Whether the execution goes on, so that its history is worth keeping at hand. */
  goesOn: boolean;
}

/** Writes an episode, within a commit. */
export function writeEpisode(store: Store, record: EpisodeRecord): WrittenEpisode {
  const { nowMs } = record;
  const row = { ...record.row, updatedAt: nowMs };
  row.customStatus = record.customStatus ?? row.customStatus;
  store.messages.delete(record.consumed);
  for (const taskId of record.cancelledTimerIds) store.timers.delete(row.instanceId, taskId);
  const created = applyCommands({ store, row, nowMs }, record.commands);
  if (record.end.type === "continuedAsNew") {
    continueAsNew(store, row, record.end.input);
    return { events: [], text: "", goesOn: false };
  }
  const end = endOf(record);
  const events = [
    historyEvent("OrchestratorStarted", nowMs),
    ...record.events,
    ...created,
    historyEvent("OrchestratorCompleted", nowMs, {
      Actions: record.fingerprints,
      NextId: record.nextId,
    }),
    ...(end ? [endEvent(end, nowMs)] : []),
  ];
  const text = chunkText(events);
  store.instances.appendHistory(row.instanceId, row.chunks, text);
  const outcome = end ? { status: end.status, output: end.output } : { status: "Running" as const };
  store.instances.put({ ...row, ...outcome, chunks: row.chunks + 1 });
  if (end) closeInstance(store, row, end);
  return { events, text, goesOn: !end };
}

function endOf({ row, end }: EpisodeRecord): End | undefined {
  if (end.type === "completed") return { status: "Completed", output: end.output };
  if (end.type === "failed") return failure(row, end.error, end.details);
  return undefined;
}

// Messages that name no execution (external events that came too late for this one) stay and reach
// the next; those that name the old one are dropped when they are read.
function continueAsNew(store: Store, old: InstanceRow, input: string | null): void {
  const { instanceId, name, version } = old;
  const executionId = newId();
  store.timers.deleteAll(instanceId);
  store.instances.clearHistory(instanceId);
  store.instances.put({ ...old, executionId, input, chunks: 0, status: "Running" });
  const start = startEvent({ instanceId, name, version, input, executionId }, old.updatedAt);
  store.sendMessage(instanceId, executionId, start);
}
