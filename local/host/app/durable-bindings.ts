import type { RpcTypedData } from "../core/core-types.ts";
import { asIs } from "../invocation/typed-data.ts";
import type { AppFunction } from "./app-function.ts";

const DURABLE_TRIGGERS = new Set(["orchestrationtrigger", "activitytrigger", "entitytrigger"]);

/** Whether the app needs a Durable engine at all. */
export function usesDurable(functions: readonly AppFunction[]): boolean {
  return functions.some(
    ({ trigger, inputs }) =>
      DURABLE_TRIGGERS.has(trigger.binding.type.toLowerCase()) || inputs.length > 0,
  );
}

/** Values of a function's input bindings besides its trigger. */
export type ExtraInputs = (fn: AppFunction) => { name: string; data: RpcTypedData }[];

/**
 * Gives functions their `durableClient` inputs, the only kind of input there is. Their value does not
 * change while the engine runs, so it is made once per function and not per call, and nobody can write in it.
 */
export function createClientInputs(clientBinding: () => string): ExtraInputs {
  const known = new Map<AppFunction, ReturnType<ExtraInputs>>();
  return (fn) => {
    const inputs =
      known.get(fn) ??
      fn.inputs.map(({ name }) => ({ name, data: asIs(JSON.parse(clientBinding(), frozen)) }));
    known.set(fn, inputs);
    return inputs;
  };
}

const frozen = (_name: string, value: unknown): unknown => Object.freeze(value);
