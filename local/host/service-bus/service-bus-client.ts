import type {
  ProcessErrorArgs,
  ServiceBusMessage,
  ServiceBusReceivedMessage,
} from "@azure/service-bus";

/** What a listener needs of a receiver; the SDK's receivers have it. */
export interface MessageReceiver {
  subscribe(
    handlers: {
      processMessage(message: ServiceBusReceivedMessage): Promise<void>;
      processError(args: ProcessErrorArgs): Promise<void>;
    },
    options: { autoCompleteMessages: false; maxConcurrentCalls: number },
  ): { close(): Promise<void> };
  completeMessage(message: ServiceBusReceivedMessage): Promise<void>;
  abandonMessage(message: ServiceBusReceivedMessage): Promise<void>;
  close(): Promise<void>;
}

/** A receiver of a queue or subscription without sessions. */
export interface QueueReceiver extends MessageReceiver {
  renewMessageLock(message: ServiceBusReceivedMessage): Promise<Date>;
}

/** A receiver of one session. */
export interface SessionReceiver extends MessageReceiver {
  readonly sessionId: string;
  readonly sessionLockedUntilUtc: Date;
  renewSessionLock(): Promise<Date>;
}

/** Where messages come from: a queue (dead letters by `$DeadLetterQueue`) or a subscription. */
export type MessageSource =
  | { queueName: string; isDeadLetter: boolean }
  | { topicName: string; subscriptionName: string; isDeadLetter: boolean };

/** One namespace, as triggers and outputs use it. */
export interface ServiceBusConnection {
  createReceiver(source: MessageSource): QueueReceiver;
  /** Waits for a session with messages; rejects when none came in time, or when aborted. */
  acceptNextSession(source: MessageSource, signal: AbortSignal): Promise<SessionReceiver>;
  createSender(entity: string): {
    sendMessages(messages: ServiceBusMessage[]): Promise<void>;
    close(): Promise<void>;
  };
  close(): Promise<void>;
}

/** Opens a namespace: by a connection string, or by a name and the identity of the environment. */
export type OpenServiceBus = (
  target: { connectionString: string } | { fullyQualifiedNamespace: string },
) => Promise<ServiceBusConnection>;

// A broker that restarts on this machine is back in well under a second; the SDK's own default
// would sleep for thirty.
const RETRY_DELAY_MS = 100;
const MAX_RETRIES = 40;
const OPERATION_TIMEOUT_MS = 15_000;

/** Opens a namespace with the real SDK, which is loaded only by apps that use it. */
export const openServiceBus: OpenServiceBus = async (target) => {
  const { ServiceBusClient, RetryMode } = await import("@azure/service-bus");
  const retryOptions = {
    mode: RetryMode.Fixed,
    retryDelayInMs: RETRY_DELAY_MS,
    maxRetryDelayInMs: RETRY_DELAY_MS,
    maxRetries: MAX_RETRIES,
    timeoutInMs: OPERATION_TIMEOUT_MS,
  };
  const client =
    "connectionString" in target
      ? new ServiceBusClient(target.connectionString, { retryOptions })
      : new ServiceBusClient(target.fullyQualifiedNamespace, await defaultCredential(), {
          retryOptions,
        });
  // Renewal is the listener's own: the SDK's gives up after one failure and needs message ids.
  const common = {
    skipParsingBodyAsJson: true,
    skipConvertingDate: true,
    maxAutoLockRenewalDurationInMs: 0,
  };
  return {
    createReceiver(source) {
      const options = {
        ...common,
        ...(source.isDeadLetter && { subQueueType: "deadLetter" as const }),
      };
      return "queueName" in source
        ? client.createReceiver(source.queueName, options)
        : client.createReceiver(source.topicName, source.subscriptionName, options);
    },
    acceptNextSession(source, abortSignal) {
      const options = { ...common, abortSignal };
      return "queueName" in source
        ? client.acceptNextSession(source.queueName, options)
        : client.acceptNextSession(source.topicName, source.subscriptionName, options);
    },
    createSender: (entity) => client.createSender(entity),
    close: () => client.close(),
  };
};

async function defaultCredential() {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential();
}
