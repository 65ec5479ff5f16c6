import { describe, expect, it } from "vitest";
import { DocumentError, type TableRow, tableSource } from "../../../shared/documents/index.ts";

const never = new AbortController().signal;
const CONNECTION = { kind: "connectionString", connectionString: "" } as const;

async function* listed(rows: readonly (TableRow | Error)[]): AsyncIterable<TableRow> {
  for (const row of rows) {
    if (row instanceof Error) throw row;
    yield row;
  }
}

const source = (rows: () => readonly (TableRow | Error)[], limitBytes = 10_000) =>
  tableSource({
    connection: CONNECTION,
    table: "policies",
    partitionKey: "profiles",
    keyField: "userId",
    limitBytes,
    listRows: () => listed(rows()),
  });

const system = { partitionKey: "profiles", etag: "e", timestamp: "t", "odata.metadata": "m" };

describe("a document in a table", () => {
  it("has an entry a row: columns, then the JSON of its document column, and the key", async () => {
    const rows = [
      { ...system, rowKey: "u1", Team: "red", Big: 9_007_199_254_740_993n },
      { ...system, rowKey: "u2", document: '{"async-config":"enabled=false","Team":"blue"}' },
      { ...system, rowKey: "3", document: '{"userId":"a/b"}', since: new Date(0) },
    ];
    expect(await source(() => rows).load(undefined, never)).toMatchObject({
      changed: true,
      content: [
        { userId: "u1", Team: "red", Big: "9007199254740993" },
        { userId: "u2", "async-config": "enabled=false", Team: "blue" },
        { userId: "a/b", since: "1970-01-01T00:00:00.000Z" },
      ],
    });
  });

  it("is unchanged while its entries are, whatever the service stamps on rows", async () => {
    let rows = [{ ...system, rowKey: "u1", Team: "red" }];
    const table = source(() => rows);
    const first = await table.load(undefined, never);
    const version = first.changed ? first.version : "";
    rows = [{ ...system, etag: "other", timestamp: "later", rowKey: "u1", Team: "red" }];
    expect(await table.load(version, never)).toEqual({ changed: false });
    rows = [{ ...system, rowKey: "u1", Team: "blue" }];
    expect(await table.load(version, never)).toMatchObject({ changed: true });
  });

  it("fails as a whole when a row, the size or the service is at fault", async () => {
    const failureOf = (rows: readonly (TableRow | Error)[]): Promise<unknown> =>
      source(() => rows, 100)
        .load(undefined, never)
        .catch((error: unknown) => error);
    for (const document of ["[]", "7", "{"]) {
      expect(await failureOf([{ rowKey: "u1", document }])).toEqual(
        new DocumentError('row "u1": column "document" is not a JSON object'),
      );
    }
    expect(await failureOf([{ rowKey: "u1", text: "x".repeat(100) }])).toEqual(
      new DocumentError("the document is larger than 100 bytes"),
    );
    const refused = Object.assign(new Error("https://x?sig=s3cret"), { statusCode: 403 });
    expect(await failureOf([{ rowKey: "u1" }, refused])).toEqual(
      new DocumentError("the table cannot be read (403)"),
    );
  });
});
