import type { RpcBindingInfo } from "../core/core-types.ts";
import type { Environment } from "./environment.ts";

const EXPRESSION = /%([^%]+)%/g;

/** Replaces each `%NAME%` by that setting; `missing` receives the names that are not set. */
export function resolveExpressions(
  text: string,
  environment: Environment,
  missing: (name: string) => void,
): string {
  return text.replace(EXPRESSION, (whole, name: string) => {
    const value = setting(environment, name);
    if (value === undefined) missing(name);
    return value ?? whole;
  });
}

/** A copy of the binding with every text option resolved. */
export function resolveBinding(
  binding: RpcBindingInfo,
  environment: Environment,
  missing: (name: string) => void,
): RpcBindingInfo {
  const resolved = Object.entries(binding).map(([key, value]) => [
    key,
    typeof value === "string" && key !== "name" && key !== "type"
      ? resolveExpressions(value, environment, missing)
      : value,
  ]);
  return Object.fromEntries(resolved) as RpcBindingInfo;
}

/** A setting by name. On Linux `:` cannot be in a variable's name, so `A:B` is also `A__B`. */
export function setting(environment: Environment, name: string): string | undefined {
  return environment[name] ?? environment[name.replaceAll(":", "__")];
}
