import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Table, type TableChange } from "../../../shared/storage/index.ts";
import {
  type FaultyStorage,
  type StorageFault,
  startFaultyStorage,
} from "../../support/faulty-storage.ts";

let dataDir: string;
let storage: FaultyStorage;
let table: Table;
let other: Table;

const openTable = (connectionString: string): Table =>
  new Table({ kind: "connectionString", connectionString }, "rows");

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "storage-table-"));
  storage = await startFaultyStorage(dataDir);
  table = openTable(storage.connectionString);
  other = openTable(storage.direct);
  // Makes the table, and the connections.
  await Promise.all([table.get("p", "none"), other.get("p", "none")]);
});
afterAll(async () => {
  await storage?.[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});
beforeEach(() => void storage.fail(() => undefined));

/** The next write meets a fault, once; returns what tells how often it did. */
function failOnce(fault: StorageFault): () => number {
  let isOver = false;
  return storage.fail(({ method }) => {
    if (isOver || method === "GET") return undefined;
    isOver = true;
    return fault;
  });
}

const row = (rowKey: string, value: string) => ({ partitionKey: "p", rowKey, value });

describe("a write that was done, whose answer was lost, and that the library repeats", () => {
  it("is an insert that succeeded, and not one that somebody else was quicker with", async () => {
    const failed = failOnce("denied");
    expect(await table.insert(row("insert", "mine"))).toBe(true);
    expect(failed()).toBe(1);
    expect(await table.insert(row("insert", "mine"))).toBe(false);
  });

  it("is a transaction that succeeded: of new rows, changed rows and removed rows", async () => {
    await other.insert(row("changed", "before"));
    await other.insert(row("removed", "before"));
    const etag = String((await other.get("p", "changed"))?.["etag"]);
    const changes: TableChange[] = [
      { kind: "insert", row: row("new", "after") },
      { kind: "replace", row: row("changed", "after"), etag },
      { kind: "remove", row: row("removed", "before") },
    ];
    const failed = failOnce("denied");
    expect(await table.transact(changes)).toBe(true);
    expect(failed()).toBe(1);
    expect(await table.transact(changes)).toBe(false);
  });
});

describe("a write that was refused, and that the library repeats", () => {
  it("fails where another's row stands, however often it was sent", async () => {
    await other.insert(row("contested", "theirs"));
    const refused = failOnce("refused");
    expect(await table.insert(row("contested", "mine"))).toBe(false);
    expect(refused()).toBe(1);
    expect(await other.get("p", "contested")).toMatchObject({ value: "theirs" });
  });
});
