import { clientBinding } from "./binding.ts";
import type { DurableEngine, DurableOptions } from "./contract.ts";
import { Engine } from "./engine/engine.ts";
import { handle } from "./http/handle.ts";

export type { DurableEngine, DurableFunctions, DurableOptions } from "./contract.ts";
export { startDurableHub } from "./hub/index.ts";
export { joinHub } from "./hub/join-hub.ts";
export { refuseTaskReuse } from "./planner/task-reuse.ts";

/** Opens the store and resumes whatever was unfinished. */
export async function startDurable(options: DurableOptions): Promise<DurableEngine> {
  const engine = new Engine(options);
  const { origin, hubName, accessKey } = options;
  const address = { origin, hubName, accessKey };
  engine.start();
  return {
    clientBinding: () => clientBinding(address),
    handle: (request, response) => handle({ engine, address, request, response }),
    close: () => engine.close(),
  };
}
