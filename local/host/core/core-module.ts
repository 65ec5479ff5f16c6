import { CoreError } from "./core-error.ts";
import type {
  FunctionCallback,
  FunctionMetadata,
  ProgrammingModel,
  RpcLogCategory,
  RpcLogLevel,
} from "./core-types.ts";
import { Disposable } from "./disposable.ts";
import type { FunctionRegistry } from "./function-registry.ts";
import type { HookCallback, HookRegistry } from "./hook-registry.ts";

/** The newest host that the local one was compared with; the library checks features, not numbers. */
export const HOST_VERSION = "4.1046.100";
const WORKER_VERSION = "3.12.0";

export interface CoreModuleOptions {
  functions: FunctionRegistry;
  hooks: HookRegistry;
  log(level: RpcLogLevel, category: RpcLogCategory, message: string): void;
}

/** The object that `require("@azure/functions-core")` returns to the app, and the model it sets. */
export interface CoreModule {
  readonly api: object;
  /** The programming model, absent until the app registers its first function. */
  model(): ProgrammingModel | undefined;
}

/** Builds the API object through which `@azure/functions` reaches the host. */
export function createCoreModule({ functions, hooks, log }: CoreModuleOptions): CoreModule {
  let model: ProgrammingModel | undefined;
  const api = {
    version: WORKER_VERSION,
    hostVersion: HOST_VERSION,
    Disposable,
    log,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
      new Disposable(functions.register(metadata, callback)),
    registerHook: (name: string, callback: HookCallback) =>
      new Disposable(hooks.register(name, callback)),
    getProgrammingModel: () => model,
    setProgrammingModel(next: ProgrammingModel) {
      // Setup state (streaming, capabilities) is kept per copy, so a second copy would win silently.
      if (model) {
        throw new CoreError(
          "Two copies of @azure/functions are loaded; bundle the app so that it holds exactly one.",
        );
      }
      model = next;
    },
  };
  return { api, model: () => model };
}
