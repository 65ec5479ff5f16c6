import type { EventHubSettings } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import type { LogEvent } from "./to-log-event.ts";

/** As much of the SDK's batch as is used. */
interface Batch {
  readonly count: number;
  tryAdd(event: { body: LogEvent; contentType: string }): boolean;
}

/** As much of the SDK's producer as is used. */
export interface EventProducer {
  createBatch(options: { abortSignal: AbortSignal }): Promise<Batch>;
  sendBatch(batch: Batch, options: { abortSignal: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

// One that is tried for long holds up those behind it; what fails is counted.
const RETRY_OPTIONS = { maxRetries: 2, retryDelayInMs: 500, timeoutInMs: 10_000 };

/** Opens an event hub; the library loads with the first events. */
export async function openEventHub(settings: EventHubSettings): Promise<EventProducer> {
  const { EventHubProducerClient } = await import("@azure/event-hubs");
  const options = { retryOptions: RETRY_OPTIONS };
  const { name } = settings;
  const client =
    "connectionString" in settings
      ? new EventHubProducerClient(settings.connectionString, name, options)
      : new EventHubProducerClient(
          settings.fullyQualifiedNamespace,
          name,
          await identityCredential(settings.clientId),
          options,
        );
  return client as unknown as EventProducer;
}

/** Sends events in as few batches as the hub takes. Returns how many are too large for any. */
export async function sendToHub(
  producer: EventProducer,
  events: readonly LogEvent[],
  abortSignal: AbortSignal,
): Promise<number> {
  let tooLarge = 0;
  let batch = await producer.createBatch({ abortSignal });
  for (const body of events) {
    const event = { body, contentType: "application/json" };
    if (batch.tryAdd(event)) continue;
    if (batch.count > 0) {
      await producer.sendBatch(batch, { abortSignal });
      batch = await producer.createBatch({ abortSignal });
      if (batch.tryAdd(event)) continue;
    }
    tooLarge += 1;
  }
  if (batch.count > 0) await producer.sendBatch(batch, { abortSignal });
  return tooLarge;
}
