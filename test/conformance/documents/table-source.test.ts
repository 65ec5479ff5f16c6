import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { documentReader, LiveDocument, tableSource } from "../../../shared/documents/index.ts";
import { parseProfiles } from "../../../shared/identity/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type StorageChild, startStorageChild } from "../storage/storage-child.ts";

describe("profiles in a table of the storage account", () => {
  let dataDir: string;
  let storage: StorageChild;
  const stop = new AbortController();

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "documents-"));
    storage = await startStorageChild(dataDir);
  });

  afterEach(async () => {
    stop.abort();
    await storage.child.stop("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });

  it("are read whole over many pages, follow changes, and outlive their storage", async () => {
    const connectionString = String(storage.child.facts["connectionString"]);
    const source = tableSource({
      connection: { kind: "connectionString", connectionString },
      table: "policies",
      partitionKey: "profiles",
      keyField: "userId",
    });
    const document = new LiveDocument({
      name: "profiles",
      reader: documentReader(source, (rows) => parseProfiles(rows)),
      presence: { required: true },
      clock: new FakeClock(),
      random: Math.random,
      emit: () => {},
      signal: stop.signal,
    });
    await document.start();
    expect(document.status().lastError).toBe("the table cannot be read (404)");

    const table = storage.table("policies");
    await table.createTable();
    // More than the 1000 rows of one page.
    for (let batch = 0; batch < 12; batch++) {
      await table.submitTransaction(
        Array.from({ length: 100 }, (_, n) => [
          "create",
          { partitionKey: "profiles", rowKey: `u${batch * 100 + n}`, Team: "red", weight: 2 },
        ]),
      );
    }
    await table.createEntity({
      partitionKey: "profiles",
      rowKey: "v",
      document: JSON.stringify({ "limit-requests-per-minute": 5, "X-Model": "gpt-5" }),
    });
    await table.createEntity({ partitionKey: "other", rowKey: "w" });
    await document.refresh();
    expect(document.status()).toMatchObject({ lastError: undefined, warnings: [] });
    expect(document.value?.size).toBe(1201);
    expect(document.value?.find("u1199")).toMatchObject({ headers: [["Team", "red"]], weight: 2 });
    expect(document.value?.find("v")).toMatchObject({
      headers: [["X-Model", "gpt-5"]],
      limits: { requestsPerMinute: 5 },
    });

    await table.deleteEntity("profiles", "u1");
    await document.refresh();
    expect(document.value?.find("u1")).toBeUndefined();
    const { version } = document.status();
    await document.refresh();
    expect(document.status().version).toBe(version);

    await storage.child.stop("SIGKILL");
    await document.refresh();
    expect(document.value?.size).toBe(1200);
    expect(document.status()).toMatchObject({ isStale: true, failures: 1 });
  });
});
