import type { RpcTypedData } from "../core/core-types.ts";
import type { AppFunction } from "./app-function.ts";

const DURABLE_TRIGGERS = new Set(["orchestrationtrigger", "activitytrigger", "entitytrigger"]);

/** Whether the app needs a Durable engine at all. */
export function usesDurable(functions: readonly AppFunction[]): boolean {
  return functions.some(
    ({ trigger, inputs }) =>
      DURABLE_TRIGGERS.has(trigger.binding.type.toLowerCase()) || inputs.length > 0,
  );
}

/** Values of a function's `durableClient` inputs, the only kind of input there is. */
export function clientInputs(
  { inputs }: AppFunction,
  clientBinding: () => string,
): { name: string; data: RpcTypedData }[] {
  return inputs.map(({ name }) => ({ name, data: { string: clientBinding() } }));
}
