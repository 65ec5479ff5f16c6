import { availableParallelism } from "node:os";
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { AppFunction } from "../app/app-function.ts";
import type { InvocationInput } from "../invocation/invoker.ts";
import { createReportOnce } from "../report-once.ts";
import type { TriggerListener } from "../trigger-listener.ts";
import type { TriggersOptions } from "../triggers.ts";
import { batchData, bodyData, isBinary } from "./message-body.ts";
import { batchMetadata, messageMetadata } from "./message-metadata.ts";
import { messageSource, sourcePath } from "./message-source.ts";
import { type ListenerOptions, QueueListener } from "./queue-listener.ts";
import { connectionName, type ServiceBusConnections } from "./service-bus-connections.ts";
import { SessionListener } from "./session-listener.ts";

// https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus#hostjson-settings
const CALLS_PER_CORE = 16;
const DEFAULT_SESSION_IDLE_TIMEOUT_MS = 60_000;

/** Makes the listener of a `serviceBusTrigger`; `complain` hears why it cannot be made. */
export function createServiceBusListener(
  fn: AppFunction,
  options: TriggersOptions,
  {
    connections,
    complain,
  }: { connections: ServiceBusConnections; complain(problem: string): void },
): TriggerListener[] {
  const { binding } = fn.trigger;
  const source = messageSource(binding);
  const connect = connections.resolve(binding);
  if (!source) complain("serviceBusTrigger needs queueName, or topicName and subscriptionName");
  if (!connect)
    complain(`the connection "${connectionName(binding)}" of its serviceBusTrigger is not set`);
  if (!source || !connect) return [];
  if (fn.fn.metadata.retryOptions) {
    options.log.failure(fn.name, "retry is ignored: Service Bus triggers retry by redelivery");
  }
  const report = createReportOnce(options.clock, (problem) =>
    options.log.failure(fn.name, `${sourcePath(source)}: ${problem}`),
  );
  const invoke = createInvoke(fn, options, report);
  const settings = { ...listenerSettings(fn, options), source, connect, report, invoke };
  const isSessions = binding["isSessionsEnabled"] === true;
  const listener = isSessions ? new SessionListener(settings) : new QueueListener(settings);
  return [
    {
      functionName: fn.name,
      start: () => listener.start(),
      stop: (graceMs) => listener.stop(graceMs),
      runByHand: (input) =>
        options.invoker().run(fn.fn, {
          inputData: [
            { name: fn.trigger.name, data: { string: input } },
            ...options.extraInputs(fn),
          ],
          triggerMetadata: {},
        }),
    },
  ];
}

function listenerSettings(
  fn: AppFunction,
  { config, clock }: TriggersOptions,
): Omit<ListenerOptions, "source" | "connect" | "report" | "invoke"> {
  const { serviceBus } = config.extensions;
  const own = fn.trigger.binding["autoCompleteMessages"];
  return {
    functionName: fn.name,
    clock,
    isMany: isMany(fn),
    autoCompleteMessages: typeof own === "boolean" ? own : serviceBus.autoCompleteMessages,
    maxConcurrentCalls: serviceBus.maxConcurrentCalls ?? CALLS_PER_CORE * availableParallelism(),
    maxConcurrentSessions: serviceBus.maxConcurrentSessions,
    maxConcurrentCallsPerSession: serviceBus.maxConcurrentCallsPerSession,
    sessionIdleTimeoutMs: serviceBus.sessionIdleTimeout ?? DEFAULT_SESSION_IDLE_TIMEOUT_MS,
    maxAutoLockRenewalDurationMs: serviceBus.maxAutoLockRenewalDuration,
    maxMessageBatchSize: serviceBus.maxMessageBatchSize,
    minMessageBatchSize: serviceBus.minMessageBatchSize,
    maxBatchWaitTimeMs: serviceBus.maxBatchWaitTime,
  };
}

const isMany = ({ trigger }: AppFunction): boolean =>
  String(trigger.binding["cardinality"] ?? "").toLowerCase() === "many";

function createInvoke(
  fn: AppFunction,
  { invoker, extraInputs }: TriggersOptions,
  report: (problem: string) => void,
): (messages: readonly ServiceBusReceivedMessage[]) => Promise<unknown> {
  return (messages) => {
    let input: InvocationInput;
    try {
      input = invocationInput(fn, messages);
    } catch (error) {
      report((error as Error).message);
      throw error;
    }
    return invoker().run(fn.fn, {
      ...input,
      inputData: [...input.inputData, ...extraInputs(fn)],
    });
  };
}

/** What a function sees of the messages that fired it. */
export function invocationInput(
  fn: AppFunction,
  messages: readonly ServiceBusReceivedMessage[],
): InvocationInput {
  const { name, binding } = fn.trigger;
  const binary = isBinary(binding.dataType);
  if (isMany(fn)) {
    const bodies = messages.map(({ body }) => body as unknown);
    return {
      inputData: [{ name, data: batchData(bodies, binary) }],
      triggerMetadata: batchMetadata(messages),
    };
  }
  const [message] = messages;
  if (!message) throw new Error("There is no message.");
  return {
    inputData: [{ name, data: bodyData(message.body, binary) }],
    triggerMetadata: messageMetadata(message),
  };
}
