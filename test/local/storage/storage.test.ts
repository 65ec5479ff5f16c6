import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RunningStorage, startStorage } from "../../../local/storage/index.ts";

describe("local storage", () => {
  let dataDir: string;
  let storage: RunningStorage;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "storage-"));
    storage = await startStorage({ port: 0, dataDir });
  });

  afterEach(async () => {
    await storage.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const restart = async (): Promise<void> => {
    await storage.close();
    storage = await startStorage({ port: 0, dataDir });
  };

  it("keeps a blob's bytes, metadata and ETag over a restart", async () => {
    const blob = () =>
      BlobServiceClient.fromConnectionString(storage.connectionString)
        .getContainerClient("results")
        .getBlockBlobClient("answer");
    await BlobServiceClient.fromConnectionString(storage.connectionString)
      .getContainerClient("results")
      .create();
    const { etag } = await blob().upload("forty-two", 9, { metadata: { job: "7" } });
    await restart();
    expect((await blob().downloadToBuffer()).toString()).toBe("forty-two");
    expect(await blob().getProperties()).toMatchObject({ etag, metadata: { job: "7" } });
  });

  it("keeps queue messages over a restart", async () => {
    const queue = () =>
      QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient("usage");
    await queue().create();
    await queue().sendMessage("first");
    await restart();
    const { receivedMessageItems } = await queue().receiveMessages();
    expect(receivedMessageItems.map((message) => message.messageText)).toEqual(["first"]);
  });

  it("refuses a second insert of one entity with 409, also after a restart", async () => {
    const table = () =>
      TableClient.fromConnectionString(storage.connectionString, "outcomes", {
        allowInsecureConnection: true,
      });
    await table().createTable();
    await table().createEntity({ partitionKey: "job", rowKey: "1", outcome: "first" });
    await restart();
    const second = table().createEntity({ partitionKey: "job", rowKey: "1", outcome: "second" });
    await expect(second).rejects.toMatchObject({ statusCode: 409 });
    expect(await table().getEntity("job", "1")).toMatchObject({ outcome: "first" });
  });

  it("removes files at start that no committed upload names, and only those", async () => {
    const container = BlobServiceClient.fromConnectionString(
      storage.connectionString,
    ).getContainerClient("results");
    await container.create();
    await container.uploadBlockBlob("answer", "forty-two", 9);
    const files = await readdir(join(dataDir, "blobs"));
    await storage.close();
    await writeFile(join(dataDir, "blobs", "left-by-a-crash"), "bytes");
    storage = await startStorage({ port: 0, dataDir });
    expect(await readdir(join(dataDir, "blobs"))).toEqual(files);
  });

  it("takes its account from nowhere but its connection string", async () => {
    vi.stubEnv("AZURITE_ACCOUNTS", "someone:c29tZWtleQ==");
    await restart();
    vi.unstubAllEnvs();
    const blobs = BlobServiceClient.fromConnectionString(storage.connectionString);
    expect((await blobs.getContainerClient("any").createIfNotExists()).succeeded).toBe(true);
  });

  it("closes twice without harm, also while clients keep their connections", async () => {
    const queues = QueueServiceClient.fromConnectionString(storage.connectionString, {
      retryOptions: { maxTries: 1 },
    });
    await queues.createQueue("any");
    await Promise.all([storage.close(), storage.close()]);
    await expect(queues.getProperties()).rejects.toThrow();
  });
});
