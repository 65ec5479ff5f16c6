import type { PeekedMessageItem, QueueClient } from "@azure/storage-queue";
import type { StorageConnection } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import { CALL_LIMIT_MS, withinLimit } from "./call-limit.ts";
import { statusOf, withStorage } from "./storage-error.ts";

// https://learn.microsoft.com/rest/api/storageservices/get-messages
const MAX_MESSAGES = 32;

/** A message of a storage queue. */
export interface QueuedText {
  readonly messageId: string;
  readonly text: string;
  readonly insertedAt: number;
  readonly dequeueCount: number;
}

/** A message that was taken: nobody else sees it for a while. */
export type HeldText = QueuedText & { readonly popReceipt: string };

type QueueCall<Result> = (
  client: QueueClient,
  options: { readonly abortSignal: AbortSignal },
) => Promise<Result>;

/** One storage queue, made when it is first used and absent. Scope: per instance. */
export class MessageQueue {
  readonly #connection: StorageConnection;
  readonly #name: string;
  readonly #timeoutMs: number;
  #client: Promise<QueueClient> | undefined;

  constructor(connection: StorageConnection, name: string, timeoutMs = CALL_LIMIT_MS) {
    this.#connection = connection;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends a text, in the base64 that queue triggers expect. */
  send(text: string): Promise<void> {
    const encoded = Buffer.from(text).toString("base64");
    return this.#call("Sending a message", async (client, options) => {
      try {
        await client.sendMessage(encoded, options);
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
        await client.createIfNotExists(options);
        await client.sendMessage(encoded, options);
      }
    });
  }

  /** The first messages, as they lie there; looking hides none. */
  peek(): Promise<readonly QueuedText[]> {
    return this.#read(async (client, options) => {
      const { peekedMessageItems } = await client.peekMessages({
        ...options,
        numberOfMessages: MAX_MESSAGES,
      });
      return peekedMessageItems.map(toQueuedText);
    });
  }

  /** Takes up to 32 messages that nobody else has, for so long. */
  receive(atMost: number, hiddenMs: number): Promise<readonly HeldText[]> {
    return this.#read(async (client, options) => {
      const { receivedMessageItems } = await client.receiveMessages({
        ...options,
        numberOfMessages: Math.min(MAX_MESSAGES, atMost),
        visibilityTimeout: Math.ceil(hiddenMs / 1000),
      });
      return receivedMessageItems.map((item) => ({
        ...toQueuedText(item),
        popReceipt: item.popReceipt,
      }));
    });
  }

  /** Lets others have a message that was taken. */
  giveBack({ messageId, popReceipt }: HeldText): Promise<void> {
    return this.#call("Giving a message back", async (client, options) => {
      await client.updateMessage(messageId, popReceipt, undefined, 0, options);
    });
  }

  /** Removes a message that was taken. */
  remove({ messageId, popReceipt }: HeldText): Promise<void> {
    return this.#call("Removing a message", async (client, options) => {
      await client.deleteMessage(messageId, popReceipt, options);
    });
  }

  /** A queue that nobody has made yet is empty. */
  #read<Item>(read: QueueCall<readonly Item[]>): Promise<readonly Item[]> {
    return this.#call("Reading messages", async (client, options) => {
      try {
        return await read(client, options);
      } catch (error) {
        if (statusOf(error) === 404) return [];
        throw error;
      }
    });
  }

  #call<Result>(what: string, call: QueueCall<Result>): Promise<Result> {
    return withStorage(what, () =>
      withinLimit(this.#timeoutMs, async ({ signal }) =>
        call(await this.#opened(), { abortSignal: signal }),
      ),
    );
  }

  #opened(): Promise<QueueClient> {
    this.#client ??= this.#open().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #open(): Promise<QueueClient> {
    const { QueueServiceClient } = await import("@azure/storage-queue");
    const service =
      this.#connection.kind === "connectionString"
        ? QueueServiceClient.fromConnectionString(this.#connection.connectionString)
        : new QueueServiceClient(
            this.#connection.queueServiceUri,
            await identityCredential(this.#connection.clientId),
          );
    return service.getQueueClient(this.#name);
  }
}

function toQueuedText(item: Omit<PeekedMessageItem, "expiresOn">): QueuedText {
  const { messageId, messageText, insertedOn, dequeueCount } = item;
  const text = Buffer.from(messageText, "base64").toString();
  return { messageId, text, insertedAt: insertedOn.getTime(), dequeueCount };
}
