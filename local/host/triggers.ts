import type { Clock } from "../../shared/core/clock.ts";
import type { AppFunction } from "./app/app-function.ts";
import type { Environment } from "./config/environment.ts";
import type { HostConfig } from "./config/host-schema.ts";
import type { RpcTypedData } from "./core/core-types.ts";
import type { RegisteredFunction } from "./core/function-registry.ts";
import type { HostLog } from "./invocation/host-log.ts";
import type { Invoker, SendOutputs } from "./invocation/invoker.ts";
import type { TriggerListener } from "./trigger-listener.ts";

/** The services that triggers and output bindings reach out to. */
export type TriggerServices = Record<string, never>;

export interface TriggersOptions {
  functions: readonly AppFunction[];
  config: HostConfig;
  environment: Environment;
  dataDir: string;
  clock: Clock;
  log: HostLog;
  services: Partial<TriggerServices>;
  invoker(): Invoker;
  extraInputs(fn: AppFunction): { name: string; data: RpcTypedData }[];
}

/** The listeners of all functions but the HTTP and Durable ones, and all output bindings. */
export interface Triggers {
  readonly listeners: readonly TriggerListener[];
  readonly outputs: ReadonlyMap<RegisteredFunction, SendOutputs>;
  readonly problems: readonly string[];
  closeServices(): Promise<void>;
}

/** Builds, without starting them, the listeners and outputs of the app. */
export function createTriggers(_options: TriggersOptions): Triggers {
  return {
    listeners: [],
    outputs: new Map(),
    problems: [],
    closeServices: () => Promise.resolve(),
  };
}
