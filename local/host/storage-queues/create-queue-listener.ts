import type { AppFunction } from "../app/app-function.ts";
import { createReportOnce } from "../report-once.ts";
import type { TriggerListener } from "../trigger-listener.ts";
import type { TriggersOptions } from "../triggers.ts";
import { queueMetadata } from "./queue-metadata.ts";
import {
  type StorageQueueConnections,
  storageConnectionName,
} from "./storage-queue-connections.ts";
import { StorageQueueListener } from "./storage-queue-listener.ts";

// What the platform polls at most in when AZURE_FUNCTIONS_ENVIRONMENT is Development.
const DEVELOPMENT_MAX_POLLING_INTERVAL_MS = 2000;
const POISON_SUFFIX = "-poison";

/** Makes the listener of a `queueTrigger`; `complain` hears why it cannot be made. */
export function createQueueListener(
  fn: AppFunction,
  options: TriggersOptions,
  {
    connections,
    complain,
  }: { connections: StorageQueueConnections; complain(problem: string): void },
): TriggerListener[] {
  const { binding, name } = fn.trigger;
  const { config, clock, log, invoker, extraInputs } = options;
  const queueName = String(binding["queueName"] ?? "");
  const open = connections.resolve(binding);
  if (!queueName) complain("queueTrigger needs queueName");
  if (!open)
    complain(`the connection "${storageConnectionName(binding)}" of its queueTrigger is not set`);
  if (!queueName || !open) return [];
  if (fn.fn.metadata.retryOptions) {
    log.failure(fn.name, "retry is ignored: queue triggers retry by redelivery");
  }
  const { queues } = config.extensions;
  const isBinary = String(binding.dataType ?? "").toLowerCase() === "binary";
  const report = createReportOnce(clock, (problem) =>
    log.failure(fn.name, `queue ${queueName}: ${problem}`),
  );
  const listener = new StorageQueueListener({
    clock,
    report,
    batchSize: queues.batchSize,
    newBatchThreshold: queues.newBatchThreshold ?? Math.floor(queues.batchSize / 2),
    maxDequeueCount: queues.maxDequeueCount,
    visibilityTimeoutMs: queues.visibilityTimeout,
    maxPollingIntervalMs: queues.maxPollingInterval ?? DEVELOPMENT_MAX_POLLING_INTERVAL_MS,
    messageEncoding: queues.messageEncoding,
    async open() {
      const [queue, poison] = [open(queueName), open(`${queueName}${POISON_SUFFIX}`)];
      return { queue: await queue, poison: await poison };
    },
    invoke: (message, body) => {
      const text = body.toString("utf8");
      return invoker().run(fn.fn, {
        inputData: [
          { name, data: isBinary ? { bytes: body } : { string: text } },
          ...extraInputs(fn),
        ],
        triggerMetadata: queueMetadata(message, text),
      });
    },
  });
  return [
    {
      functionName: fn.name,
      start: () => listener.start(),
      stop: (graceMs) => listener.stop(graceMs),
      runByHand: (input) =>
        invoker().run(fn.fn, {
          inputData: [{ name, data: { string: input } }, ...extraInputs(fn)],
          triggerMetadata: { QueueTrigger: { string: input } },
        }),
    },
  ];
}
