import { type DurableFunctions, refuseTaskReuse } from "../../durable/index.ts";
import type { AppFunction } from "../app/app-function.ts";
import type { ExtraInputs } from "../app/durable-bindings.ts";
import type { RpcTypedData } from "../core/core-types.ts";
import type { InvocationInput, Invoker } from "../invocation/invoker.ts";
import { jsonOf } from "../invocation/typed-data.ts";

export interface DurableFunctionsOptions {
  functions: readonly AppFunction[];
  invoker: Invoker;
  extraInputs: ExtraInputs;
  /** Resolves when the engine is up; only then there is a value for `durableClient` inputs. */
  started: Promise<unknown>;
}

/** The app's orchestrators, activities and entities, ready for the engine to call. */
export function createDurableFunctions({
  functions,
  invoker,
  extraInputs,
  started,
}: DurableFunctionsOptions): DurableFunctions {
  const orchestrators = byName(functions, "orchestrationtrigger");
  const activities = byName(functions, "activitytrigger");
  const entities = byName(functions, "entitytrigger");
  const run = async (
    target: AppFunction,
    data: RpcTypedData,
    more: Pick<InvocationInput, "triggerMetadata" | "inspect"> = {},
  ): Promise<string | undefined> => {
    // The engine resumes what was unfinished before its own start has resolved.
    if (target.inputs.length > 0) await started;
    const response = await invoker.run(target.fn, {
      inputData: [{ name: target.trigger.name, data }, ...extraInputs(target)],
      ...more,
    });
    return jsonOf(response.returnValue);
  };
  return {
    orchestrators: new Set(orchestrators.keys()),
    activities: new Set(activities.keys()),
    entities: new Set(entities.keys()),
    async invokeOrchestrator(name, input) {
      // One task in two places shows in the returned object only: as JSON they look like two.
      const inspect = refuseTaskReuse;
      return stateOf(name, await run(find(orchestrators, name), { string: input }, { inspect }));
    },
    invokeActivity(name, instanceId, input) {
      const metadata: Record<string, RpcTypedData> = { instanceId: { string: instanceId } };
      if (input !== undefined) metadata["data"] = { string: input };
      return run(find(activities, name), input === undefined ? {} : { string: input }, {
        triggerMetadata: metadata,
      });
    },
    async invokeEntity(name, input) {
      return stateOf(name, await run(find(entities, name), { string: input }));
    },
  };
}

function byName(functions: readonly AppFunction[], triggerType: string): Map<string, AppFunction> {
  return new Map(
    functions
      .filter(
        ({ trigger, isDisabled }) =>
          !isDisabled && trigger.binding.type.toLowerCase() === triggerType,
      )
      .map((fn) => [fn.name, fn]),
  );
}

function find(functions: ReadonlyMap<string, AppFunction>, name: string): AppFunction {
  const found = functions.get(name);
  if (!found) throw new Error(`There is no function "${name}".`);
  return found;
}

function stateOf(name: string, result: string | undefined): string {
  if (result === undefined) throw new Error(`Function "${name}" returned no state.`);
  return result;
}
