import type { QueueClient } from "@azure/storage-queue";
import type { StorageConnection } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import { statusOf, withStorage } from "./storage-error.ts";

/** One storage queue, made when it is first used and absent. Scope: per instance. */
export class MessageQueue {
  readonly #connection: StorageConnection;
  readonly #name: string;
  #client: Promise<QueueClient> | undefined;

  constructor(connection: StorageConnection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  /** Sends a text, in the base64 that queue triggers expect. */
  send(text: string): Promise<void> {
    return withStorage("Sending a message", async () => {
      const encoded = Buffer.from(text).toString("base64");
      const client = await this.#opened();
      try {
        await client.sendMessage(encoded);
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
        await client.createIfNotExists();
        await client.sendMessage(encoded);
      }
    });
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
