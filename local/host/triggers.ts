import type { Clock } from "../../shared/core/clock.ts";
import type { AppFunction, NamedBinding } from "./app/app-function.ts";
import type { ExtraInputs } from "./app/durable-bindings.ts";
import type { Environment } from "./config/environment.ts";
import type { HostConfig } from "./config/host-schema.ts";
import type { RpcTypedData } from "./core/core-types.ts";
import type { RegisteredFunction } from "./core/function-registry.ts";
import type { HostLog } from "./invocation/host-log.ts";
import type { Invoker, SendOutputs } from "./invocation/invoker.ts";
import { CLOSE_DEADLINE_MS } from "./service-bus/queue-listener.ts";
import { openServiceBus } from "./service-bus/service-bus-client.ts";
import { connectionName, ServiceBusConnections } from "./service-bus/service-bus-connections.ts";
import { createServiceBusOutput, outputEntity } from "./service-bus/service-bus-output.ts";
import { createServiceBusListener } from "./service-bus/service-bus-triggers.ts";
import { settleWithin } from "./settle-within.ts";
import { createQueueListener } from "./storage-queues/create-queue-listener.ts";
import type { MessageEncoding } from "./storage-queues/message-encoding.ts";
import { createQueueOutput } from "./storage-queues/queue-output.ts";
import { openStorageQueues } from "./storage-queues/storage-queue.ts";
import { StorageQueueConnections } from "./storage-queues/storage-queue-connections.ts";
import { createTimerListener } from "./timers/create-timer-listener.ts";
import type { TimerLease } from "./timers/timer-lease.ts";
import type { TriggerListener } from "./trigger-listener.ts";

export interface TriggersOptions {
  functions: readonly AppFunction[];
  config: HostConfig;
  environment: Environment;
  /** Folder of what the app's timers must remember. */
  dataDir: string;
  /** Absent where there is one host, which runs all timers. */
  timerLease?: TimerLease | undefined;
  clock: Clock;
  log: HostLog;
  invoker(): Invoker;
  extraInputs: ExtraInputs;
}

/** The listeners of all functions but the HTTP and Durable ones, and all output bindings. */
export interface Triggers {
  readonly listeners: readonly TriggerListener[];
  readonly outputs: ReadonlyMap<RegisteredFunction, SendOutputs>;
  readonly problems: readonly string[];
  closeServices(): Promise<void>;
}

interface Connections {
  serviceBus: ServiceBusConnections;
  storageQueues: StorageQueueConnections;
  encoding: MessageEncoding;
}

type Complain = (problem: string) => void;

/** Builds, without starting them, the listeners and outputs of the app. */
export function createTriggers(options: TriggersOptions): Triggers {
  const { environment, functions } = options;
  const connections: Connections = {
    serviceBus: new ServiceBusConnections(environment, openServiceBus),
    storageQueues: new StorageQueueConnections(environment, openStorageQueues),
    encoding: options.config.extensions.queues.messageEncoding,
  };
  const problems: string[] = [];
  const listeners: TriggerListener[] = [];
  const outputs = new Map<RegisteredFunction, SendOutputs>();
  for (const fn of functions.filter(({ isDisabled }) => !isDisabled)) {
    const complain: Complain = (problem) => problems.push(`Function "${fn.name}": ${problem}`);
    listeners.push(...createListener(fn, options, { connections, complain }));
    if (fn.outputs.length > 0) outputs.set(fn.fn, createSendOutputs(fn, connections, complain));
  }
  return {
    listeners,
    outputs,
    problems,
    closeServices: () =>
      settleWithin(options.clock, CLOSE_DEADLINE_MS, connections.serviceBus.close()),
  };
}

function createListener(
  fn: AppFunction,
  options: TriggersOptions,
  { connections, complain }: { connections: Connections; complain: Complain },
): TriggerListener[] {
  switch (fn.trigger.binding.type.toLowerCase()) {
    case "servicebustrigger":
      return createServiceBusListener(fn, options, {
        connections: connections.serviceBus,
        complain,
      });
    case "queuetrigger":
      return createQueueListener(fn, options, { connections: connections.storageQueues, complain });
    case "timertrigger":
      return createTimerListener(fn, options, complain);
    default:
      return [];
  }
}

function createSendOutputs(
  fn: AppFunction,
  connections: Connections,
  complain: Complain,
): SendOutputs {
  const senders = new Map(
    fn.outputs.map((output) => [output.name, createOutput(output, connections, complain)]),
  );
  return async ({ outputData = [], returnValue }) => {
    const values = [
      ...outputData,
      ...(returnValue ? [{ name: "$return", data: returnValue }] : []),
    ];
    for (const { name, data } of values) await senders.get(name)?.(data);
  };
}

function createOutput(
  { binding }: NamedBinding,
  connections: Connections,
  complain: Complain,
): (data: RpcTypedData) => Promise<void> {
  if (binding.type.toLowerCase() === "queue") {
    const { storageQueues, encoding } = connections;
    return createQueueOutput(binding, { connections: storageQueues, encoding }, complain);
  }
  const entity = outputEntity(binding);
  const connect = connections.serviceBus.resolve(binding);
  if (!entity) complain("its serviceBus output needs queueName or topicName");
  if (!connect)
    complain(`the connection "${connectionName(binding)}" of its serviceBus output is not set`);
  return createServiceBusOutput(
    entity ?? "",
    connect ?? (() => Promise.reject(new Error("no connection"))),
  );
}
