import { randomUUID } from "node:crypto";
import { historyEvent } from "../history-events.ts";
import { hasEnded } from "../store/instance-table.ts";
import type { Store } from "../store/store.ts";

/** A new instance. */
export interface StartRequest {
  instanceId: string;
  name: string;
  version?: string | undefined;
  /** JSON text. */
  input: string | null;
  parent?: { instanceId: string; executionId: string; name: string; taskId: number };
}

/** An id in the platform's form, a GUID without dashes. */
export function newId(): string {
  return randomUUID().replaceAll("-", "");
}

/**
 * Creates an instance, within a commit. An ended instance with the same id gives way to it; for one
 * that has not ended this does nothing and returns false.
 */
export function startInstance(store: Store, request: StartRequest, nowMs: number): boolean {
  const { instanceId, parent } = request;
  const existing = store.instances.get(instanceId);
  if (existing && !hasEnded(existing.status)) return false;
  if (existing) store.purge(instanceId);
  const executionId = newId();
  store.instances.put({
    instanceId,
    executionId,
    name: request.name,
    version: request.version ?? "",
    input: request.input,
    output: null,
    customStatus: null,
    status: "Pending",
    createdAt: nowMs,
    updatedAt: nowMs,
    parentId: parent?.instanceId ?? null,
    parentExecutionId: parent?.executionId ?? null,
    parentTaskId: parent?.taskId ?? null,
    chunks: 0,
  });
  store.sendMessage(instanceId, executionId, startEvent({ ...request, executionId }, nowMs));
  return true;
}

/** The first event of an execution. */
export function startEvent(start: StartRequest & { executionId: string }, nowMs: number) {
  const { instanceId, executionId, parent } = start;
  return historyEvent("ExecutionStarted", nowMs, {
    Name: start.name,
    Version: start.version ?? "",
    Input: start.input,
    OrchestrationInstance: { InstanceId: instanceId, ExecutionId: executionId },
    ParentInstance: parent
      ? {
          Name: parent.name,
          OrchestrationInstance: {
            InstanceId: parent.instanceId,
            ExecutionId: parent.executionId,
          },
          TaskScheduleId: parent.taskId,
        }
      : null,
  });
}
