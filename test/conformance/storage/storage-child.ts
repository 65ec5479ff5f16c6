import { TableClient, TableServiceClient } from "@azure/data-tables";
import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { type QueueClient, QueueServiceClient } from "@azure/storage-queue";
import { type ChildService, startChild } from "../../../local/child-service.ts";

/** The real SDK clients of one storage process. They do not retry: a test decides what a failure means. */
export interface StorageChild {
  readonly child: ChildService;
  readonly blobs: BlobServiceClient;
  readonly queues: QueueServiceClient;
  readonly tables: TableServiceClient;
  container(name: string): ContainerClient;
  queue(name: string): QueueClient;
  table(name: string): TableClient;
}

/** Starts storage in a process of its own, on free ports. */
export async function startStorageChild(dataDir: string): Promise<StorageChild> {
  const child = await startChild("storage", { options: { port: 0, dataDir } });
  const connection = String(child.facts["connectionString"]);
  const retryOptions = { maxTries: 1 };
  const blobs = BlobServiceClient.fromConnectionString(connection, { retryOptions });
  const queues = QueueServiceClient.fromConnectionString(connection, { retryOptions });
  const tableOptions = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
  return {
    child,
    blobs,
    queues,
    tables: TableServiceClient.fromConnectionString(connection, tableOptions),
    container: (name) => blobs.getContainerClient(name),
    queue: (name) => queues.getQueueClient(name),
    table: (name) => TableClient.fromConnectionString(connection, name, tableOptions),
  };
}
