import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type StorageChild, startStorageChild } from "./storage-child.ts";

const ROUNDS = 10;
const TIMEOUT_MS = 300_000;
const WRITERS_PER_KIND = 3;
const MAX_BLOB_BYTES = 200_000;
const TRANSACTION_SIZE = 4;

const NAME = "crash";
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/**
 * What was acknowledged: a value for what must be there, null for what must be gone. While a
 * request is under way its key is not in the map, because either outcome is right.
 */
class Acknowledged extends Map<string, string | null> {
  async change(key: string, value: string | null, request: () => Promise<unknown>): Promise<void> {
    this.delete(key);
    await request();
    this.set(key, value);
  }

  get present(): Map<string, string> {
    return new Map([...this].filter((entry): entry is [string, string] => entry[1] !== null));
  }

  get gone(): string[] {
    return [...this].filter(([, value]) => value === null).map(([key]) => key);
  }
}

describe("storage that is killed while it is written to", () => {
  let dataDir: string;
  let storage: StorageChild;
  let acknowledgements = 0;
  let lastKey = 0;
  const blobs = new Acknowledged();
  const entities = new Acknowledged();
  const messages = new Acknowledged();
  const partitions = new Set<string>();

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "storage-crash-"));
    storage = await startStorageChild(dataDir);
    await storage.container(NAME).create();
    await storage.queue(NAME).create();
    await storage.table(NAME).createTable();
  });

  afterAll(async () => {
    await storage.child.stop("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });

  const newKey = (kind: string): string => {
    lastKey += 1;
    return `${kind}-${lastKey}`;
  };

  const writeBlob = async (): Promise<void> => {
    const blob = storage.container(NAME).getBlockBlobClient(newKey("blob"));
    for (let version = 0; version < 2; version++) {
      const bytes = randomBytes(1 + Math.floor(Math.random() * MAX_BLOB_BYTES));
      await blobs.change(blob.name, sha256(bytes), () => blob.upload(bytes, bytes.length));
    }
    if (lastKey % 3 === 0) await blobs.change(blob.name, null, () => blob.delete());
  };

  const writeEntity = async (): Promise<void> => {
    const table = storage.table(NAME);
    const rowKey = newKey("row");
    const entity = (value: string) => ({ partitionKey: "single", rowKey, value });
    await entities.change(rowKey, "inserted", () => table.createEntity(entity("inserted")));
    await entities.change(rowKey, "merged", () => table.updateEntity(entity("merged"), "Merge"));
    await entities.change(rowKey, "new", () => table.upsertEntity(entity("new"), "Replace"));
    if (lastKey % 3 !== 0) return;
    await entities.change(rowKey, null, () => table.deleteEntity("single", rowKey));
  };

  const writeTransaction = async (): Promise<void> => {
    const partitionKey = newKey("partition");
    partitions.add(partitionKey);
    const rows = Array.from({ length: TRANSACTION_SIZE }, (_, row) => `${partitionKey}-${row}`);
    await storage
      .table(NAME)
      .submitTransaction(
        rows.map((rowKey) => ["create", { partitionKey, rowKey, value: "together" }]),
      );
    for (const rowKey of rows) entities.set(rowKey, "together");
  };

  const writeMessage = async (): Promise<void> => {
    const queue = storage.queue(NAME);
    const text = newKey("message");
    let receipt = { messageId: "", popReceipt: "" };
    await messages.change(text, text, async () => {
      receipt = await queue.sendMessage(text);
    });
    if (lastKey % 2 !== 0) return;
    const { messageId, popReceipt } = receipt;
    await messages.change(text, null, () => queue.deleteMessage(messageId, popReceipt));
  };

  const writeUntilKilled = async (write: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        await write();
        acknowledgements += 1;
      } catch {
        return;
      }
    }
  };

  const killAmidWrites = async (): Promise<void> => {
    const killAt = acknowledgements + 10 + Math.floor(Math.random() * 60);
    const kinds = [writeBlob, writeEntity, writeTransaction, writeMessage];
    const writers = kinds.flatMap((write) =>
      Array.from({ length: WRITERS_PER_KIND }, () => writeUntilKilled(write)),
    );
    const { pid } = storage.child;
    await expect
      .poll(() => acknowledgements, { interval: 1, timeout: TIMEOUT_MS / 2 })
      .toBeGreaterThan(killAt);
    process.kill(pid, "SIGKILL");
    await storage.child.exited;
    await Promise.all(writers);
    storage = await startStorageChild(dataDir);
  };

  const storedBlobs = async (): Promise<Map<string, string>> => {
    const stored = new Map<string, string>();
    const container = storage.container(NAME);
    for await (const { name } of container.listBlobsFlat()) {
      stored.set(name, sha256(await container.getBlobClient(name).downloadToBuffer()));
    }
    return stored;
  };

  const storedEntities = async (): Promise<{
    values: Map<string, string>;
    counts: Map<string, number>;
  }> => {
    const values = new Map<string, string>();
    const counts = new Map<string, number>();
    for await (const { partitionKey = "", rowKey = "", value } of storage
      .table(NAME)
      .listEntities()) {
      values.set(rowKey, String(value));
      counts.set(partitionKey, (counts.get(partitionKey) ?? 0) + 1);
    }
    return { values, counts };
  };

  // Receiving hides messages, so this is for the end: what is there is seen once.
  const storedMessages = async (): Promise<Map<string, string>> => {
    const { approximateMessagesCount = 0 } = await storage.queue(NAME).getProperties();
    const stored = new Map<string, string>();
    while (stored.size < approximateMessagesCount) {
      const { receivedMessageItems } = await storage
        .queue(NAME)
        .receiveMessages({ numberOfMessages: 32, visibilityTimeout: 600 });
      if (receivedMessageItems.length === 0) break;
      for (const { messageText } of receivedMessageItems) stored.set(messageText, messageText);
    }
    return stored;
  };

  const expectNothingLost = (acknowledged: Acknowledged, stored: Map<string, string>): void => {
    const lost = [...acknowledged.present].filter(([key, value]) => stored.get(key) !== value);
    expect(lost).toEqual([]);
    expect(acknowledged.gone.filter((key) => stored.has(key))).toEqual([]);
  };

  it(
    `keeps every acknowledged write over ${ROUNDS} kills, and every transaction whole`,
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await killAmidWrites();
        expectNothingLost(blobs, await storedBlobs());
        const { values, counts } = await storedEntities();
        expectNothingLost(entities, values);
        const torn = [...partitions].filter(
          (partition) => ![undefined, TRANSACTION_SIZE].includes(counts.get(partition)),
        );
        expect(torn).toEqual([]);
      }
      expectNothingLost(messages, await storedMessages());
      expect(blobs.present.size).toBeGreaterThan(0);
      expect(entities.present.size).toBeGreaterThan(0);
      expect(messages.present.size).toBeGreaterThan(0);
      expect(messages.gone.length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  it("refuses a second insert of an entity that was acknowledged before a kill", async () => {
    const [rowKey] = [...entities.present.keys()].filter((key) => key.startsWith("row-"));
    if (rowKey === undefined) throw new Error("No entity was acknowledged.");
    const again = storage.table(NAME).createEntity({ partitionKey: "single", rowKey });
    await expect(again).rejects.toMatchObject({ statusCode: 409 });
  });
});
