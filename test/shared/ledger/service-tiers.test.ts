import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../shared/core/clock.ts";
import {
  fromUsageMessage,
  type LedgerRow,
  type LedgerTable,
  toUsageMessages,
  UsageLedger,
} from "../../../shared/ledger/index.ts";
import { MemoryTable } from "../../support/memory-table.ts";
import { USED_AT, usageEvent } from "../../support/usage-events.ts";

const HOUR_MS = 3_600_000;
const SPAN = { fromAt: USED_AT - HOUR_MS, beforeAt: USED_AT + HOUR_MS };

function openLedger() {
  const table = new MemoryTable();
  const ledger = new UsageLedger({
    table: table as unknown as LedgerTable,
    clock: systemClock,
    random: Math.random,
  });
  return { table, ledger };
}

async function tiersIn(ledger: UsageLedger) {
  const rows: LedgerRow[] = [];
  for await (const page of ledger.read(SPAN)) rows.push(...page);
  const tiers = rows.map(({ serviceTier, events }) => [serviceTier, events] as const);
  return tiers.sort(([one], [other]) => (one < other ? -1 : 1));
}

const usual = (id: string) => usageEvent({ id });
const flex = (id: string) => usageEvent({ id, serviceTier: "flex" });

/** A row as it was written before tiers were told apart, by the key that it had. */
const OLD_ROW = {
  partitionKey: "2026-11-22~SZFeDX1LQC4wF9AQvBwOgw",
  rowKey: "row~09~iKCZDOnIJHqccBZdVpMu3w~0",
  hourAt: "2026-11-22T09:00:00.000Z",
  ...{ user: "ann", group: "", model: "gpt-4o", backend: "Host1" },
  ...{ priority: 2, kind: "answer", provenance: "reported" },
  events: 3n,
  totalTokens: 45n,
};

describe("the tiers of the ledger", () => {
  it("have rows of their own, however their use is told, and each counts once", async () => {
    const { ledger } = openLedger();
    const again = { ...flex("batch-1"), mayComeAgain: true as const };
    const all = [usual("a"), flex("b"), flex("c"), again];
    const [message, ...more] = toUsageMessages(all, randomUUID);
    expect(more).toEqual([]);
    const { told, poison } = fromUsageMessage(message?.text);
    expect(poison).toBeUndefined();
    for (let times = 0; times < 2; times++) await ledger.record(told);
    expect(await tiersIn(ledger)).toEqual([
      ["default", 1],
      ["flex", 3],
    ]);
  });

  it("go on with rows that an older app wrote, which are of the usual one", async () => {
    const { ledger, table } = openLedger();
    await table.insert(OLD_ROW);
    const told = (id: string, event = usual(id)) =>
      fromUsageMessage(toUsageMessages([event], () => id)[0]?.text).told;
    await ledger.record(told("m1"));
    await ledger.record(told("m2", flex("x")));
    expect(await tiersIn(ledger)).toEqual([
      ["default", 4],
      ["flex", 1],
    ]);
    const rows = [...table.rows.values()].filter(({ rowKey = "" }) => rowKey.startsWith("row~"));
    expect(rows).toHaveLength(2);
    const row = await table.get(OLD_ROW.partitionKey, OLD_ROW.rowKey);
    expect(row).toMatchObject({ events: 4n, totalTokens: 60n });
    expect(row).not.toHaveProperty("serviceTier");
  });

  it("are told by a message that only those take who tell them apart", () => {
    const versionOf = (...all: ReturnType<typeof usual>[]) =>
      toUsageMessages(all, randomUUID).map(({ text }) => JSON.parse(text).version);
    expect(versionOf(usual("a"), usual("b"))).toEqual([2]);
    expect(versionOf(usual("a"), flex("b"))).toEqual([3]);
    expect(versionOf({ ...flex("b"), mayComeAgain: true })).toEqual([3]);
    // Nothing in a plain one is new to those who take no other.
    const [plain] = toUsageMessages(
      [usual("a"), { ...usual("b"), mayComeAgain: true }],
      randomUUID,
    );
    expect(plain?.text).not.toContain("serviceTier");
  });

  it("are of a message of an older app the usual one", async () => {
    const { ledger } = openLedger();
    const { hourAt, partitionKey: _, rowKey: __, ...facts } = OLD_ROW;
    const sum = { ...facts, hourAt: Date.parse(hourAt), events: 2, totalTokens: 30 };
    const events = [usual("e1")];
    for (const text of [
      JSON.stringify({ version: 2, id: "m", oldestAt: 1, sums: [sum], events: [] }),
      JSON.stringify({ version: 1, events }),
    ]) {
      await ledger.record(fromUsageMessage(text).told);
    }
    expect(await tiersIn(ledger)).toEqual([["default", 3]]);
  });

  it("are put aside with their sum where they are no names, in a message of the same kind", () => {
    const [message] = toUsageMessages([flex("a"), usual("b")], () => "m");
    const text = message?.text.replace('"flex"', '"=1+1"');
    const { told, poison } = fromUsageMessage(text);
    expect(told.sums).toMatchObject([{ events: 1, serviceTier: "default" }]);
    expect(poison?.problem).toContain("serviceTier");
    expect(JSON.parse(poison?.text ?? "")).toMatchObject({ version: 3, id: "m/poison" });
  });
});
