import { StartError } from "../../service.ts";
import { findEntryPoints } from "../config/entry-points.ts";
import { createCoreModule } from "../core/core-module.ts";
import type { ProgrammingModel } from "../core/core-types.ts";
import { FunctionRegistry } from "../core/function-registry.ts";
import { HookRegistry } from "../core/hook-registry.ts";
import { injectCoreModule } from "../core/inject-core-module.ts";
import type { HostLog } from "../invocation/host-log.ts";
import { loadApp } from "./load-app.ts";

/** The app, loaded and started: its functions are fixed. */
export interface StartedApp {
  readonly functions: FunctionRegistry;
  readonly hooks: HookRegistry;
  readonly model: ProgrammingModel;
  /** Where the library's stream server listens, when the app enables streaming. */
  readonly httpUri: string | undefined;
}

const WORKER_CAPABILITIES = [
  "RawHttpBodyBytes",
  "RpcHttpTriggerMetadataRemoved",
  "RpcHttpBodyOnly",
  "IgnoreEmptyValuedRpcHttpHeaders",
  "UseNullableValueDictionaryForHttp",
  "WorkerStatus",
  "TypedDataCollection",
  "HandlesWorkerTerminateMessage",
];

/** Loads the app's files, runs its appStart hooks, closes registration and asks what it can do. */
export async function startApp(appDir: string, log: HostLog): Promise<StartedApp> {
  const entryPoints = findEntryPoints(appDir);
  const functions = new FunctionRegistry();
  const hooks = new HookRegistry();
  const core = createCoreModule({
    functions,
    hooks,
    log: (level, _category, message) => log.system(level, message),
  });
  injectCoreModule(core.api);
  await loadApp(entryPoints);
  await runAppStartHooks(hooks, appDir);
  functions.lock();
  const model = core.model();
  if (!model) {
    throw new StartError(
      `The app in ${appDir} registered no function with @azure/functions (4.x, programming model v4).`,
    );
  }
  const defaults = Object.fromEntries(WORKER_CAPABILITIES.map((name) => [name, "true"]));
  // Asking twice would open a second server.
  const { HttpUri: httpUri } = await model.getCapabilities(defaults);
  return { functions, hooks, model, httpUri };
}

async function runAppStartHooks(hooks: HookRegistry, functionAppDirectory: string): Promise<void> {
  try {
    await hooks.run("appStart", {
      hookData: {},
      appHookData: hooks.appHookData,
      functionAppDirectory,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new StartError(`An appStart hook of the app failed:\n${message}`, { cause: error });
  }
}
