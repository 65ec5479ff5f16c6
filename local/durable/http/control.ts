import { newId, startInstance } from "../engine/start-instance.ts";
import { historyEvent } from "../history-events.ts";
import { numericEventName } from "../planner/new-actions.ts";
import { hasEnded } from "../store/instance-table.ts";
import { type Call, CallError, noInstance, type Reply } from "./call.ts";
import { accepted } from "./orchestrators.ts";
import { readJsonBody } from "./read-json-body.ts";

type ControlEvent = "ExecutionTerminated" | "ExecutionSuspended" | "ExecutionResumed";

/** POST instances/{instanceId}/raiseEvent/{eventName}. */
export async function raiseEvent(call: Call): Promise<Reply> {
  const [, , eventName = ""] = call.segments;
  const refusal = numericEventName(eventName);
  if (refusal) throw new CallError(400, refusal);
  const data = (await readJsonBody(call.request)) ?? "null";
  return send(call, (nowMs) =>
    historyEvent("EventRaised", nowMs, { Name: eventName, Input: data }),
  );
}

/** POST instances/{instanceId}/terminate, suspend and resume, each with ?reason=. */
export function control(type: ControlEvent): (call: Call) => Promise<Reply> {
  return (call) => {
    const reason = JSON.stringify(call.query.get("reason"));
    return send(call, (nowMs) => historyEvent(type, nowMs, { Input: reason }));
  };
}

async function send(
  { engine, segments }: Call,
  eventAt: (nowMs: number) => ReturnType<typeof historyEvent>,
): Promise<Reply> {
  const { store, clock } = engine.context;
  const [instanceId = ""] = segments;
  const status = await store.commit(() => {
    const row = store.instances.get(instanceId);
    if (row && !hasEnded(row.status)) {
      store.sendMessage(instanceId, null, eventAt(clock.now()));
    }
    return row?.status;
  });
  if (!status) return noInstance(instanceId);
  return hasEnded(status) ? { status: 410, text: "The instance has ended." } : { status: 202 };
}

/** POST instances/{instanceId}/restart?restartWithNewInstanceId=. */
export async function restart(call: Call): Promise<Reply> {
  const { store, clock } = call.engine.context;
  const [instanceId = ""] = call.segments;
  const keepsId = call.query.get("restartWithNewInstanceId")?.toLowerCase() === "false";
  const started = await store.commit(() => {
    const row = store.instances.get(instanceId);
    if (!row) return undefined;
    const { name, version, input } = row;
    const request = { instanceId: keepsId ? instanceId : newId(), name, version, input };
    return { id: request.instanceId, isNew: startInstance(store, request, clock.now()) };
  });
  if (!started) return noInstance(instanceId);
  if (!started.isNew) throw new CallError(409, `Instance '${instanceId}' has not ended.`);
  return accepted(call, started.id);
}

/** POST instances/{instanceId}/rewind. */
export function refuseRewind(): Reply {
  return { status: 501, text: "The local stack does not emulate rewind. Start a new instance." };
}
