import { missingFunction, registeredName } from "../engine/function-names.ts";
import { newId } from "../engine/start-instance.ts";
import { schedulerId } from "../entity-id.ts";
import { type Call, CallError, type Reply } from "./call.ts";
import { readJsonBody } from "./read-json-body.ts";

/** GET entities/{name}/{key}. */
export function readEntity({ engine, segments }: Call): Reply {
  const [name = "", key = ""] = segments;
  const state = engine.context.store.entities.state(schedulerId({ name, key }));
  if (state === undefined) {
    return { status: 404, text: `No entity '${name}' with the key '${key}' found.` };
  }
  return { status: 200, jsonText: state ?? "null" };
}

/** POST entities/{name}/{key}?op=. */
export async function signalEntity({ engine, query, request, segments }: Call): Promise<Reply> {
  const { store, functions } = engine.context;
  const [name = "", key = ""] = segments;
  if (!registeredName(functions.entities, name)) {
    throw new CallError(400, missingFunction(name, "entity"));
  }
  const input = (await readJsonBody(request)) ?? null;
  await store.commit(() =>
    store.sendToEntity(schedulerId({ name, key }), {
      operation: query.get("op") ?? "",
      input,
      requestId: newId(),
      callerId: null,
      callerExecutionId: null,
    }),
  );
  return { status: 202 };
}

/** GET entities and GET entities/{name}. */
export function refuseEntityList(): Reply {
  return { status: 501, text: "The local stack does not emulate listing entities." };
}
