import type { HttpFunction } from "../http/http-call.ts";
import type { RouteDefinition } from "../http/router.ts";
import type { AppFunction } from "./app-function.ts";
import type { ExtraInputs } from "./durable-bindings.ts";

/** The routes of the app's HTTP functions. */
export function httpRoutes(
  functions: readonly AppFunction[],
  extraInputs: ExtraInputs,
): RouteDefinition<HttpFunction>[] {
  return functions
    .filter(({ trigger, isDisabled }) => !isDisabled && isHttp(trigger.binding.type))
    .map((fn) => {
      const target = httpFunction(fn, extraInputs);
      const { route, methods } = target;
      return { functionName: fn.name, route, methods, target };
    });
}

const isHttp = (type: string): boolean => type.toLowerCase() === "httptrigger";

const ALL_METHODS = ["GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS", "TRACE"];

function httpFunction(fn: AppFunction, extraInputs: ExtraInputs): HttpFunction {
  const { binding, name } = fn.trigger;
  const methods = Array.isArray(binding["methods"]) ? binding["methods"].map(String) : [];
  return {
    fn: fn.fn,
    triggerName: name,
    authLevel: String(binding["authLevel"] ?? "function"),
    route: typeof binding["route"] === "string" ? binding["route"] : undefined,
    methods: methods.length > 0 ? methods : ALL_METHODS,
    extraInputs: () => extraInputs(fn),
  };
}
