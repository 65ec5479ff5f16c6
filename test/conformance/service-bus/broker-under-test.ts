import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBusClient, type ServiceBusReceiver } from "@azure/service-bus";
import {
  type NamespaceDefinition,
  type RunningBroker,
  startBroker,
} from "../../../local/broker/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A broker in this process with a clock of the test's own, and the unmodified SDK as its client. */
export interface BrokerUnderTest extends AsyncDisposable {
  readonly broker: RunningBroker;
  readonly client: ServiceBusClient;
  readonly clock: FakeClock;
}

/** Locks that the SDK renews by itself would never expire in a test. */
export const NO_RENEWAL = { maxAutoLockRenewalDurationInMs: 0 } as const;

/** Long enough for a busy machine; a message that is there comes at once. */
export const WAIT = { maxWaitTimeInMs: 30_000 } as const;

/** Long enough to see that nothing comes. */
export const NOTHING = { maxWaitTimeInMs: 300 } as const;

/** Starts a broker on a free port and an empty folder. */
export async function brokerUnderTest(
  namespace: Partial<NamespaceDefinition>,
): Promise<BrokerUnderTest> {
  const dataDir = mkdtempSync(join(tmpdir(), "broker-"));
  const clock = new FakeClock(Date.now());
  const definition = { queues: [], topics: [], ...namespace };
  const broker = await startBroker({ port: 0, dataDir, namespace: definition, clock });
  const client = connect(broker.connectionString);
  return {
    broker,
    client,
    clock,
    async [Symbol.asyncDispose]() {
      await client.close();
      await broker.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A client that does not hide failures behind retries. */
export const connect = (connectionString: string, timeoutInMs = 10_000): ServiceBusClient =>
  new ServiceBusClient(connectionString, {
    retryOptions: { maxRetries: 0, retryDelayInMs: 50, timeoutInMs },
  });

/** Receives exactly `count` messages, however they arrive. */
export async function receive(receiver: ServiceBusReceiver, count: number) {
  const messages = [];
  while (messages.length < count) {
    const more = await receiver.receiveMessages(count - messages.length, WAIT);
    if (more.length === 0) throw new Error(`Only ${messages.length} of ${count} messages came.`);
    messages.push(...more);
  }
  return messages;
}

/** The next message. */
export async function receiveOne(receiver: ServiceBusReceiver) {
  const [message] = await receive(receiver, 1);
  if (!message) throw new Error("No message came.");
  return message;
}
