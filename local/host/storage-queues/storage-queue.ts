/** A message as it lies in a storage queue. */
export interface QueueMessage {
  readonly messageId: string;
  /** Changes with every update; only the newest one may update or delete. */
  popReceipt: string;
  /** The text as stored, still encoded. */
  readonly messageText: string;
  readonly dequeueCount: number;
  readonly insertedOn: Date;
  readonly expiresOn: Date;
  readonly nextVisibleOn: Date;
}

/** One storage queue, as triggers and outputs use it. */
export interface StorageQueue {
  /** Takes messages and hides them; a queue that does not exist is an empty one. */
  receive(maxMessages: number, visibilityTimeoutMs: number): Promise<QueueMessage[]>;
  /** Hides a message for that long from now; resolves with its new pop receipt. */
  hide(message: QueueMessage, visibilityTimeoutMs: number): Promise<string>;
  delete(message: QueueMessage): Promise<void>;
  /** Adds a message, and the queue when it does not exist. */
  send(messageText: string): Promise<void>;
}

/** How an account is reached. */
export type StorageTarget = { connectionString: string } | { queueServiceUri: string };

/** Opens the queues of an account, by name. */
export type OpenStorageQueues = (target: StorageTarget) => Promise<(name: string) => StorageQueue>;

const isNotFound = (error: unknown): boolean =>
  (error as { statusCode?: number }).statusCode === 404;

/** Opens the queues with the real SDK, which is loaded only by apps that use it. */
export const openStorageQueues: OpenStorageQueues = async (target) => {
  const { QueueServiceClient } = await import("@azure/storage-queue");
  const service =
    "connectionString" in target
      ? QueueServiceClient.fromConnectionString(target.connectionString)
      : new QueueServiceClient(target.queueServiceUri, await defaultCredential());
  return (name) => {
    const queue = service.getQueueClient(name);
    return {
      async receive(numberOfMessages, visibilityTimeoutMs) {
        try {
          const visibilityTimeout = toSeconds(visibilityTimeoutMs);
          const answer = await queue.receiveMessages({ numberOfMessages, visibilityTimeout });
          return answer.receivedMessageItems;
        } catch (error) {
          if (isNotFound(error)) return [];
          throw error;
        }
      },
      async hide({ messageId, popReceipt }, visibilityTimeoutMs) {
        const seconds = toSeconds(visibilityTimeoutMs);
        const answer = await queue.updateMessage(messageId, popReceipt, undefined, seconds);
        return answer.popReceipt ?? popReceipt;
      },
      async delete({ messageId, popReceipt }) {
        await queue.deleteMessage(messageId, popReceipt);
      },
      async send(messageText) {
        try {
          await queue.sendMessage(messageText);
        } catch (error) {
          if (!isNotFound(error)) throw error;
          await queue.createIfNotExists();
          await queue.sendMessage(messageText);
        }
      },
    };
  };
};

const toSeconds = (ms: number): number => Math.ceil(ms / 1000);

async function defaultCredential() {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential();
}
