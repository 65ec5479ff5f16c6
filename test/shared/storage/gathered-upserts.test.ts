import { describe, expect, it } from "vitest";
import { GatheredUpserts, type Table } from "../../../shared/storage/index.ts";
import { MemoryTable } from "../../support/memory-table.ts";

/** A table whose writes take until they are let through, and what each of them wrote. */
class SlowTable extends MemoryTable {
  readonly writes: string[][] = [];
  readonly refused = new Set<string>();
  #let = Promise.withResolvers<void>();

  override async upsert(row: Parameters<Table["upsert"]>[0]): Promise<void> {
    await this.#written([row.rowKey ?? ""]);
    return super.upsert(row);
  }

  override async transact(changes: Parameters<Table["transact"]>[0]): Promise<boolean> {
    await this.#written(changes.map(({ row }) => row.rowKey));
    return super.transact(changes);
  }

  /** Lets the writes through that have begun. */
  async release(): Promise<void> {
    const { resolve } = this.#let;
    this.#let = Promise.withResolvers();
    resolve();
    await new Promise((done) => setImmediate(done));
  }

  async #written(keys: string[]): Promise<void> {
    this.writes.push(keys);
    await this.#let.promise;
    if (keys.some((key) => this.refused.has(key))) throw new Error("refused");
  }
}

const row = (rowKey: string, value = 1, partitionKey = "p") => ({ partitionKey, rowKey, value });

function open() {
  const table = new SlowTable();
  return { table, upserts: new GatheredUpserts(table.asTable) };
}

describe("upserts that are gathered", () => {
  it("go out at once when they come alone, and together while their partition is written", async () => {
    const { table, upserts } = open();
    const all = Promise.all(["a", "b", "c"].map((key) => upserts.upsert(row(key))));
    const other = upserts.upsert(row("a", 1, "q"));
    expect(table.writes).toEqual([["a"], ["a"]]);
    await table.release();
    await other;
    expect(table.writes.slice(2)).toEqual([["b", "c"]]);
    await table.release();
    await all;
    expect([...table.rows.keys()]).toEqual(["p/a", "q/a", "p/b", "p/c"]);
  });

  it("are done only when their own row stands", async () => {
    const { table, upserts } = open();
    const first = upserts.upsert(row("a"));
    let isDone = false;
    const second = upserts.upsert(row("b")).then(() => (isDone = true));
    await table.release();
    await first;
    expect(isDone).toBe(false);
    await table.release();
    await second;
  });

  it("leave the last of several values of one row", async () => {
    const { table, upserts } = open();
    const all = Promise.all([1, 2, 3].map((value) => upserts.upsert(row("a", value))));
    await table.release();
    await table.release();
    await all;
    expect(table.writes).toEqual([["a"], ["a"]]);
    expect(table.rows.get("p/a")).toMatchObject({ value: 3 });
  });

  it("never take more rows than a transaction may have, and none along that cannot be written", async () => {
    const { table, upserts } = open();
    table.refused.add("bad");
    const first = upserts.upsert(row("first"));
    const keys = ["bad", ...Array.from({ length: 149 }, (_, n) => `k${n}`)];
    const all = Promise.allSettled(keys.map((key) => upserts.upsert(row(key))));
    for (let releases = 0; releases < 6; releases++) await table.release();
    await first;
    expect((await all).map(({ status }) => status)).toEqual([
      "rejected",
      ...Array(149).fill("fulfilled"),
    ]);
    expect(table.writes.slice(1, 2).map((written) => written.length)).toEqual([100]);
    expect(table.rows.size).toBe(150);
  });

  it("go on after a write of their partition that failed", async () => {
    const { table, upserts } = open();
    table.refused.add("bad");
    const bad = upserts.upsert(row("bad"));
    const good = upserts.upsert(row("good"));
    await Promise.all([expect(bad).rejects.toThrow("refused"), table.release()]);
    await table.release();
    await good;
    const later = upserts.upsert(row("later"));
    await table.release();
    await later;
    expect([...table.rows.keys()]).toEqual(["p/good", "p/later"]);
  });
});
