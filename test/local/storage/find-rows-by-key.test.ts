import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableClient } from "@azure/data-tables";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAzuriteServer } from "../../../local/storage/azurite.ts";
import { findRowsByKey, type TableStore } from "../../../local/storage/find-rows-by-key.ts";
import { type RunningStorage, startStorage } from "../../../local/storage/index.ts";
import { onlyPartition } from "../../../local/storage/row-index.ts";

describe("the partition that a filter names", () => {
  it.each([
    ["PartitionKey eq 'job-1'", "job-1"],
    ["PartitionKey eq ''", ""],
    ["PartitionKey eq 'it''s'", "it's"],
    ["PartitionKey eq 'a' and RowKey ge 'event' and RowKey lt 'evenu'", "a"],
    ["PartitionKey eq 'a' and RowKey eq 'this or that'", "a"],
    ["PartitionKey eq 'a' and not (state eq 'ended')", "a"],
  ])("is found: %s", (filter, partition) => {
    expect(onlyPartition(filter)).toBe(partition);
  });

  it.each([
    undefined,
    "",
    "RowKey eq 'a'",
    "PartitionKey ge 'a'",
    "PartitionKey eq 'a' or PartitionKey eq 'b'",
    "PartitionKey eq 'a' and RowKey eq '1' or PartitionKey eq 'b'",
    "(PartitionKey eq 'a')",
    "not PartitionKey eq 'a'",
  ])("is not told from: %s", (filter) => {
    expect(onlyPartition(filter)).toBeUndefined();
  });
});

describe("a look for rows", () => {
  interface WritableStore extends TableStore {
    createTable(context: object, table: object): Promise<void>;
    insertTableEntity(...row: readonly unknown[]): Promise<void>;
    queryTableEntitiesWithPartitionAndRowKey(...keys: readonly unknown[]): Promise<unknown>;
  }

  const TABLE = { account: "a", table: "jobs" };

  /** A row of another partition, which counts how often it is looked at. */
  const foreignRow = (partition: number, onLook: () => void) => ({
    get PartitionKey() {
      onLook();
      return `other-${partition}`;
    },
    RowKey: "job",
    properties: {},
  });

  it("touches no row of another partition, however many there are", async () => {
    const server = createAzuriteServer("table", tmpdir(), undefined);
    const store = server.metadataStore as WritableStore;
    store.db.autosaveDisable();
    store.db.addCollection("$TABLES_COLLECTION$");
    findRowsByKey(store);
    await store.createTable({}, TABLE);
    let looks = 0;
    for (let row = 0; row < 100; row++) {
      const foreign = foreignRow(row, () => {
        looks += 1;
      });
      await store.insertTableEntity({}, "jobs", "a", foreign);
    }
    const own = { PartitionKey: "own", RowKey: "job", properties: {} };
    await store.insertTableEntity({}, "jobs", "a", own);
    looks = 0;
    const [rows] = (await store.queryTableEntities({}, "a", "jobs", {
      filter: "PartitionKey eq 'own'",
    })) as [unknown[]];
    const keys = ["own", "job"];
    const row = await store.queryTableEntitiesWithPartitionAndRowKey({}, "jobs", "a", ...keys);
    expect(rows).toEqual([own]);
    expect(row).toBe(own);
    expect(looks).toBe(0);
  });
});

describe("rows that are found by their keys", () => {
  let dataDir: string;
  let storage: RunningStorage;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "storage-rows-"));
    storage = await startStorage({ port: 0, dataDir });
    await table().createTable();
  });

  afterEach(async () => {
    await storage.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const table = () =>
    TableClient.fromConnectionString(storage.connectionString, "rows", {
      allowInsecureConnection: true,
    });

  const found = async (filter?: string, maxPageSize = 1000): Promise<unknown[]> => {
    const values: unknown[] = [];
    const pages = table()
      .listEntities(filter === undefined ? {} : { queryOptions: { filter } })
      .byPage({ maxPageSize });
    for await (const page of pages) values.push(...page.map(({ value }) => value));
    return values;
  };

  const put = (partitionKey: string, rowKey: string, value: string) =>
    table().upsertEntity({ partitionKey, rowKey, value }, "Replace");

  it("are those of the partition, in order, in pages, and of a range", async () => {
    for (const rowKey of ["4", "2", "1", "3"]) {
      await put("one", rowKey, rowKey);
      await put("other", rowKey, `other ${rowKey}`);
    }
    expect(await found("PartitionKey eq 'one'", 3)).toEqual(["1", "2", "3", "4"]);
    expect(await found("PartitionKey eq 'one' and RowKey ge '2' and RowKey lt '4'")).toEqual([
      "2",
      "3",
    ]);
    expect(await found("PartitionKey eq 'none'")).toEqual([]);
    expect(await found("PartitionKey eq 'one' and RowKey eq '1' or RowKey eq '2'")).toEqual([
      "1",
      "2",
      "other 2",
    ]);
    expect(await found()).toHaveLength(8);
  });

  it("have quotes in their keys as anywhere", async () => {
    await put("it's", "o'clock", "quoted");
    expect(await found("PartitionKey eq 'it''s'")).toEqual(["quoted"]);
    expect(await table().getEntity("it's", "o'clock")).toMatchObject({ value: "quoted" });
  });

  it("are as they were written last, and gone once removed", async () => {
    await put("one", "a", "first");
    await put("one", "a", "second");
    await table().updateEntity({ partitionKey: "one", rowKey: "a", more: 1 }, "Merge");
    expect(await table().getEntity("one", "a")).toMatchObject({ value: "second", more: 1 });
    expect(await found("PartitionKey eq 'one'")).toEqual(["second"]);
    await table().deleteEntity("one", "a");
    await expect(table().getEntity("one", "a")).rejects.toMatchObject({ statusCode: 404 });
    expect(await found("PartitionKey eq 'one'")).toEqual([]);
    await put("one", "a", "third");
    expect(await found("PartitionKey eq 'one'")).toEqual(["third"]);
  });

  it("are what they were when a transaction fails", async () => {
    await put("one", "a", "first");
    const transaction = table().submitTransaction([
      ["upsert", { partitionKey: "one", rowKey: "a", value: "lost" }, "Replace"],
      ["create", { partitionKey: "one", rowKey: "b", value: "lost" }],
      ["delete", { partitionKey: "one", rowKey: "never there" }],
    ]);
    await expect(transaction).rejects.toThrow();
    expect(await table().getEntity("one", "a")).toMatchObject({ value: "first" });
    expect(await found("PartitionKey eq 'one'")).toEqual(["first"]);
  });

  it("are found after a restart, and in a table that was made anew", async () => {
    await put("one", "a", "kept");
    await storage.close();
    storage = await startStorage({ port: 0, dataDir });
    expect(await found("PartitionKey eq 'one'")).toEqual(["kept"]);
    await table().deleteTable();
    await table().createTable();
    expect(await found("PartitionKey eq 'one'")).toEqual([]);
    await put("one", "a", "new");
    expect(await table().getEntity("one", "a")).toMatchObject({ value: "new" });
  });
});
