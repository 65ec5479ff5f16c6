import type { DurableOptions } from "../../../local/durable/contract.ts";
import { Engine } from "../../../local/durable/engine/engine.ts";
import { startInstance } from "../../../local/durable/engine/start-instance.ts";
import { hasEnded, type InstanceRow } from "../../../local/durable/store/instance-table.ts";

const DEADLINE_MS = 50_000;

/** Resolves once the condition holds, letting everything else run meanwhile. */
export async function until(condition: () => boolean): Promise<void> {
  const endAt = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > endAt) throw new Error(`Never came true: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** An engine that has taken up what its store holds. */
export function startEngine(options: Omit<DurableOptions, "hubName" | "origin">): Engine {
  const engine = new Engine({ hubName: "TestHub", origin: "http://127.0.0.1", ...options });
  engine.start();
  return engine;
}

/** Starts an instance and returns its id. */
export async function start(engine: Engine, name: string, input: unknown = null): Promise<string> {
  const { store, clock } = engine.context;
  const request = { instanceId: `${name}-1`, name, input: JSON.stringify(input) };
  await store.commit(() => startInstance(store, request, clock.now()));
  return request.instanceId;
}

/** The instance as stored; throws when there is none. */
export function rowOf(engine: Engine, instanceId: string): InstanceRow {
  const row = engine.context.store.instances.get(instanceId);
  if (!row) throw new Error(`There is no instance ${instanceId}`);
  return row;
}

/** The instance as stored when it has ended. */
export async function ended(engine: Engine, instanceId: string): Promise<InstanceRow> {
  await until(() => hasEnded(rowOf(engine, instanceId).status));
  return rowOf(engine, instanceId);
}
