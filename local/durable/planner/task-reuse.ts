import { ActionType } from "./actions.ts";

interface RawAction {
  actionType?: unknown;
  functionName?: unknown;
  compoundActions?: unknown;
}

/**
 * Throws when an orchestrator has put one task into two places, such as two `Task.any`: the SDK then
 * lists its action twice but counts it once, so that every later result would go to the wrong task
 * (durable-functions issue 574). Only the state as the function returned it shows this, before it is
 * turned to text; a Functions host calls this in between. Waiting for one external event in several
 * places takes no id and is fine.
 */
export function refuseTaskReuse(state: unknown): void {
  const seen = new Set<RawAction>();
  const visit = (action: RawAction): void => {
    if (Array.isArray(action.compoundActions)) action.compoundActions.forEach(visit);
    else if (action.actionType !== ActionType.WaitForExternalEvent) {
      if (seen.has(action)) throw new Error(reuse(action));
      seen.add(action);
    }
  };
  const { actions } = (state ?? {}) as { actions?: unknown };
  if (Array.isArray(actions)) (actions.flat() as RawAction[]).forEach(visit);
}

function reuse({ functionName, actionType }: RawAction): string {
  const isTimer = actionType === ActionType.CreateTimer;
  const task = isTimer ? "A timer" : `The task "${String(functionName ?? "unknown")}"`;
  return `${task} was used in two places (yielded, or in Task.all or Task.any). Durable Functions loses count of tasks then: create a new task for each use.`;
}
