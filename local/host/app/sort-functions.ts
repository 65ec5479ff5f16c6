import { resolveBinding, setting } from "../config/binding-expressions.ts";
import type { Environment } from "../config/environment.ts";
import type { RpcBindingInfo } from "../core/core-types.ts";
import type { RegisteredFunction } from "../core/function-registry.ts";
import type { AppFunction, NamedBinding } from "./app-function.ts";

const TRIGGERS = new Set([
  "httptrigger",
  "servicebustrigger",
  "queuetrigger",
  "timertrigger",
  "orchestrationtrigger",
  "activitytrigger",
  "entitytrigger",
]);
const INPUTS = new Set(["durableclient"]);
const OUTPUTS = new Set(["http", "servicebus", "queue"]);

/**
 * Resolves every function's bindings and checks that the host can serve them; `problems` names all
 * that it cannot. `filter` is host.json's `functions`: the names to load, when given.
 */
export function sortFunctions(
  registered: readonly RegisteredFunction[],
  environment: Environment,
  filter: readonly string[] | undefined,
): { functions: readonly AppFunction[]; problems: readonly string[] } {
  const wanted = filter && new Set(filter.map((name) => name.toLowerCase()));
  const problems: string[] = [];
  const functions = registered
    .filter(({ metadata }) => !wanted || wanted.has(metadata.name.toLowerCase()))
    .flatMap((fn) => {
      const { name } = fn.metadata;
      const complain = (problem: string): void => {
        problems.push(`Function "${name}": ${problem}`);
      };
      const isDisabled = disabled(environment, name);
      // A disabled function may lack its settings: switching it off is how one lives without them.
      const missing = (key: string): void => {
        if (!isDisabled) complain(`%${key}% is not set`);
      };
      const bindings = Object.entries(fn.metadata.bindings).map(([key, binding]) => ({
        name: key,
        binding: resolveBinding(binding, environment, missing),
      }));
      const sorted = sortBindings(bindings, complain);
      return sorted ? [{ fn, name, isDisabled, ...sorted }] : [];
    });
  return { functions, problems };
}

function sortBindings(
  bindings: readonly NamedBinding[],
  complain: (problem: string) => void,
): Pick<AppFunction, "trigger" | "inputs" | "outputs"> | undefined {
  const triggers = bindings.filter(({ binding }) => /trigger$/i.test(binding.type));
  const inputs = bindings.filter((entry) => isInput(entry.binding));
  const outputs = bindings.filter(({ binding }) => binding.direction === "out");
  const [trigger] = triggers;
  if (!trigger || triggers.length > 1) {
    complain("it needs exactly one trigger");
    return undefined;
  }
  for (const [kinds, entries] of [
    [TRIGGERS, triggers],
    [INPUTS, inputs],
    [OUTPUTS, outputs],
  ] as const) {
    for (const { binding } of entries) {
      if (!kinds.has(binding.type.toLowerCase())) complain(`${binding.type} is not emulated`);
      if (binding.properties?.["supportsDeferredBinding"] === "true") {
        complain(`SDK binding (sdkBinding) of ${binding.type} is not emulated`);
      }
    }
  }
  const isHttp = trigger.binding.type.toLowerCase() === "httptrigger";
  const answers = outputs.filter(({ binding }) => binding.type.toLowerCase() === "http");
  if (isHttp && answers.length === 0) complain("an HTTP trigger needs an http output");
  return { trigger, inputs, outputs: outputs.filter((output) => !answers.includes(output)) };
}

const isInput = (binding: RpcBindingInfo): boolean =>
  binding.direction === "in" && !/trigger$/i.test(binding.type);

// On Linux a variable's name may not hold dots, so the platform takes underscores as well.
function disabled(environment: Environment, name: string): boolean {
  const value =
    setting(environment, `AzureWebJobs.${name}.Disabled`) ??
    setting(environment, `AzureWebJobs_${name}_Disabled`);
  return value === "1" || value?.toLowerCase() === "true";
}
