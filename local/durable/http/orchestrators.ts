import { managementUrls } from "../binding.ts";
import { missingFunction, registeredName } from "../engine/function-names.ts";
import { newId, startInstance } from "../engine/start-instance.ts";
import { hasEnded } from "../store/instance-table.ts";
import { type Call, CallError, type Reply } from "./call.ts";
import { getStatus } from "./instances.ts";
import { readJsonBody } from "./read-json-body.ts";

// https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-instance-management
const MAX_INSTANCE_ID_CHARS = 256;

const DEFAULT_WAIT_SECONDS = 10;

/** POST orchestrators/{functionName}[/{instanceId}]. */
export async function startOrchestrator(call: Call): Promise<Reply> {
  const { engine, query, segments } = call;
  const { store, clock, functions } = engine.context;
  const [functionName = "", instanceId = newId()] = segments;
  checkInstanceId(instanceId);
  const name = registeredName(functions.orchestrators, functionName);
  if (!name) throw new CallError(400, missingFunction(functionName, "orchestrator"));
  const input = (await readJsonBody(call.request)) ?? null;
  const version = query.get("version") ?? undefined;
  const isNew = await store.commit(() =>
    startInstance(store, { instanceId, name, version, input }, clock.now()),
  );
  if (!isNew) {
    throw new CallError(409, `An instance with ID '${instanceId}' exists and has not ended.`);
  }
  return query.has("timeout") || query.has("pollingInterval")
    ? waitForEnd(call, instanceId)
    : accepted(call, instanceId);
}

/** The 202 of a new instance, with the links to watch it. */
export function accepted({ address }: Call, instanceId: string): Reply {
  const links = managementUrls(address, encodeURIComponent(instanceId));
  const headers = { Location: links.statusQueryGetUri, "Retry-After": "10" };
  return { status: 202, headers, json: { ...links, id: instanceId } };
}

async function waitForEnd(call: Call, instanceId: string): Promise<Reply> {
  const { engine, query, signal } = call;
  const seconds = Number(query.get("timeout") ?? DEFAULT_WAIT_SECONDS);
  if (!(seconds >= 0)) throw new CallError(400, "timeout is a number of seconds.");
  const { instances } = engine.context.store;
  if (!hasEnded(instances.get(instanceId)?.status ?? "Pending")) {
    await engine.endWaiters.wait(instanceId, seconds * 1000, signal);
  }
  const row = engine.isClosed ? undefined : instances.get(instanceId);
  if (!row || !hasEnded(row.status)) return accepted(call, instanceId);
  if (row.status !== "Completed") return getStatus({ ...call, segments: [instanceId] });
  return { status: 200, jsonText: row.output ?? "null" };
}

function checkInstanceId(instanceId: string): void {
  if (instanceId.length > MAX_INSTANCE_ID_CHARS) {
    throw new CallError(400, `Instance IDs have at most ${MAX_INSTANCE_ID_CHARS} characters.`);
  }
  if (/^@|[/\\#?\u0000-\u001f\u007f-\u009f]/.test(instanceId)) {
    throw new CallError(
      400,
      "Instance IDs do not start with @ and hold no /, \\, #, ? or control characters.",
    );
  }
}
