import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type StorageChild, startStorageChild } from "./storage-child.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Everything of a kind that the SDKs can tell, but for what each request makes anew. */
function comparable(answer: object): object {
  const ofTheRequest = [
    "requestId",
    "clientRequestId",
    "date",
    "version",
    "_response",
    "odata.metadata",
  ];
  return Object.fromEntries(
    Object.entries(answer).filter(([name]) => !ofTheRequest.includes(name)),
  );
}

describe("what storage tells after a crash", () => {
  let dataDir: string;
  let storage: StorageChild;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "storage-state-"));
    storage = await startStorageChild(dataDir);
  });

  afterEach(async () => {
    await storage.child.stop("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });

  const crash = async (): Promise<void> => {
    await storage.child.stop("SIGKILL");
    storage = await startStorageChild(dataDir);
  };

  it("is the same for containers: metadata, access policy and lease", async () => {
    const container = () => storage.container("jobs");
    await container().create({ metadata: { team: "a" } });
    await container().setAccessPolicy(undefined, [
      { id: "read", accessPolicy: { permissions: "r", expiresOn: new Date("2030-01-01") } },
    ]);
    await container().setMetadata({ team: "b" });
    await container().getBlobLeaseClient("11111111-1111-1111-1111-111111111111").acquireLease(-1);
    const before = comparable(await container().getProperties());
    const policyBefore = comparable(await container().getAccessPolicy());
    await crash();
    expect(comparable(await container().getProperties())).toEqual(before);
    expect(comparable(await container().getAccessPolicy())).toEqual(policyBefore);
    expect(before).toMatchObject({ metadata: { team: "b" }, leaseState: "leased" });
  });

  it("is the same for blobs of every kind, with snapshots, tags and uncommitted blocks", async () => {
    const container = storage.container("results");
    await container.create();
    const block = container.getBlockBlobClient("block");
    await block.stageBlock(base64("1"), "one", 3);
    await block.stageBlock(base64("2"), "two", 3);
    await block.commitBlockList([base64("1"), base64("2")], { tags: { job: "7" } });
    await block.setHTTPHeaders({ blobContentType: "text/plain", blobCacheControl: "no-store" });
    await block.setMetadata({ state: "done" });
    const { snapshot = "" } = await block.createSnapshot();
    await block.setAccessTier("Cool");
    await block.stageBlock(base64("3"), "uncommitted", 11);
    const append = container.getAppendBlobClient("append");
    await append.create();
    await append.appendBlock("a", 1);
    await append.appendBlock("b", 1);
    const page = container.getPageBlobClient("page");
    await page.create(1_024);
    await page.uploadPages(Buffer.alloc(512, 7), 512, 512);

    const tell = async (): Promise<unknown> => {
      const found = storage.container("results");
      const blockFound = found.getBlockBlobClient("block");
      const names = ["block", "append", "page"];
      return {
        properties: await Promise.all(
          names.map(async (name) => comparable(await found.getBlobClient(name).getProperties())),
        ),
        bytes: await Promise.all(
          names.map(async (name) =>
            (await found.getBlobClient(name).downloadToBuffer()).toString("hex"),
          ),
        ),
        snapshot: comparable(await blockFound.withSnapshot(snapshot).getProperties()),
        tags: (await blockFound.getTags()).tags,
        blocks: comparable(await blockFound.getBlockList("all")),
        pages: (await found.getPageBlobClient("page").getPageRanges()).pageRange,
      };
    };
    const before = await tell();
    await crash();
    expect(await tell()).toEqual(before);
    await storage.container("results").getAppendBlobClient("append").appendBlock("c", 1);
    const appended = await storage.container("results").getBlobClient("append").downloadToBuffer();
    expect(appended.toString()).toBe("abc");
  });

  it("is the same for queues: metadata, order, visibility and dequeue count", async () => {
    const queue = () => storage.queue("usage");
    await queue().create({ metadata: { purpose: "usage" } });
    for (const text of ["first", "second", "third"]) await queue().sendMessage(text);
    await queue().sendMessage("later", { visibilityTimeout: 600 });
    const { receivedMessageItems } = await queue().receiveMessages({ visibilityTimeout: 600 });
    const [received] = receivedMessageItems;
    await crash();
    expect(await queue().getProperties()).toMatchObject({
      metadata: { purpose: "usage" },
      approximateMessagesCount: 4,
    });
    const { peekedMessageItems } = await queue().peekMessages({ numberOfMessages: 32 });
    expect(peekedMessageItems.map((message) => message.messageText)).toEqual(["second", "third"]);
    const { messageId = "", popReceipt = "" } = received ?? {};
    await queue().updateMessage(messageId, popReceipt, "first, again", 0);
    const again = (await queue().receiveMessages({ numberOfMessages: 32 })).receivedMessageItems;
    expect(again.find((message) => message.messageId === messageId)).toMatchObject({
      messageText: "first, again",
      dequeueCount: 2,
    });
  });

  it("is the same for tables: types, ETags, queries and access policies", async () => {
    const table = () => storage.table("ledger");
    await table().createTable();
    const entity = {
      partitionKey: "user",
      rowKey: "1",
      tokens: { type: "Int64", value: "9007199254740993" },
      share: 0.5,
      at: new Date("2026-01-01T00:00:00.000Z"),
      bytes: new Uint8Array([1, 2, 3]),
      isOver: true,
    };
    const { etag = "" } = await table().createEntity(entity);
    await table().createEntity({ partitionKey: "user", rowKey: "2", share: 0.1 });
    const start = new Date("2026-01-01");
    const expiry = new Date("2030-01-01");
    await table().setAccessPolicy([
      { id: "read", accessPolicy: { start, expiry, permission: "r" } },
    ]);
    const before = comparable(await table().getEntity("user", "1"));
    const policyBefore = comparable(await table().getAccessPolicy());
    await crash();
    expect(comparable(await table().getEntity("user", "1"))).toEqual(before);
    expect(comparable(await table().getAccessPolicy())).toEqual(policyBefore);
    const found = [];
    const query = { queryOptions: { filter: "share gt 0.2 and isOver eq true" } };
    for await (const { rowKey } of table().listEntities(query)) found.push(rowKey);
    expect(found).toEqual(["1"]);
    await table().updateEntity({ partitionKey: "user", rowKey: "1", share: 0.6 }, "Merge", {
      etag,
    });
    const stale = table().updateEntity(entity, "Replace", { etag });
    await expect(stale).rejects.toMatchObject({ statusCode: 412 });
  });

  it("is the same for what was deleted: containers, queues, tables and their contents", async () => {
    await storage.container("gone").create();
    await storage.container("gone").uploadBlockBlob("blob", "x", 1);
    await storage.container("gone").delete();
    await storage.queue("gone").create();
    await storage.queue("gone").sendMessage("x");
    await storage.queue("gone").delete();
    await storage.table("gone").createTable();
    await storage.table("gone").createEntity({ partitionKey: "a", rowKey: "b" });
    await storage.table("gone").deleteTable();
    await crash();
    expect(await storage.container("gone").exists()).toBe(false);
    expect(await storage.queue("gone").exists()).toBe(false);
    await storage.container("gone").create();
    await storage.queue("gone").create();
    await storage.table("gone").createTable();
    expect(await storage.container("gone").getBlobClient("blob").exists()).toBe(false);
    expect((await storage.queue("gone").getProperties()).approximateMessagesCount).toBe(0);
    await storage.table("gone").createEntity({ partitionKey: "a", rowKey: "b" });
  });

  it("rolls a failed transaction back and lets the next one pass", async () => {
    const table = () => storage.table("batches");
    await table().createTable();
    await table().createEntity({ partitionKey: "a", rowKey: "2", value: "kept" });
    await table().createEntity({ partitionKey: "a", rowKey: "3" });
    await table()
      .deleteEntity("a", "none")
      .catch(() => {});
    const failing = table().submitTransaction([
      ["create", { partitionKey: "a", rowKey: "1" }],
      ["update", { partitionKey: "a", rowKey: "2", value: "changed" }, "Replace"],
      ["create", { partitionKey: "a", rowKey: "3" }],
    ]);
    await expect(failing).rejects.toMatchObject({ statusCode: 409 });
    await crash();
    await expect(table().getEntity("a", "1")).rejects.toMatchObject({ statusCode: 404 });
    expect(await table().getEntity("a", "2")).toMatchObject({ value: "kept" });
    await table().submitTransaction([["create", { partitionKey: "a", rowKey: "1" }]]);
  });

  it("ends cleanly when it is told to stop, and starts again with all there was", async () => {
    await storage.container("kept").create();
    await storage.container("kept").uploadBlockBlob("blob", "bytes", 5);
    await storage.child.stop();
    expect(await storage.child.exited).toBe(0);
    storage = await startStorageChild(dataDir);
    const bytes = await storage.container("kept").getBlobClient("blob").downloadToBuffer();
    expect(bytes.toString()).toBe("bytes");
  });
});
