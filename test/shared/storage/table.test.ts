import { expect, it } from "vitest";
import { Table } from "../../../shared/storage/index.ts";
import { silentServer } from "../../support/silent-server.ts";

it("a table whose service takes connections and is silent is given up, and told of", async () => {
  await using silent = await silentServer();
  const connectionString = `AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:${silent.port}/a;`;
  const table = new Table({ kind: "connectionString", connectionString }, "rows", 50);
  await expect(table.get("p", "r")).rejects.toMatchObject({
    code: "storage-unavailable",
    retryAfterMs: 2000,
  });
});
