import { describe, expect, it } from "vitest";
import { LimitLedger, sumOf } from "../../../../shared/gateway/usage/limit-ledger.ts";
import { LimitBook } from "../../../../shared/limits/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemoryTable } from "../../../support/memory-table.ts";

const SUBJECT = { id: "user:ann", limits: { requestsPerMinute: 10, concurrentRequests: 4 } };

/** Two instances that share one table. */
function twoInstances() {
  const clock = new FakeClock();
  const table = new MemoryTable();
  const problems: unknown[] = [];
  const make = (instanceId: string) => {
    const book = new LimitBook();
    const onProblem = (error: unknown): void => void problems.push(error);
    const ledger = new LimitLedger({ book, table: table.asTable, instanceId, clock, onProblem });
    const reserve = () => book.reserve([SUBJECT], { prompt: 5, total: 5 }, clock.now());
    return { book, ledger, reserve };
  };
  return { clock, table, problems, a: make("a"), b: make("b") };
}

describe("the ledger of limits", () => {
  it("makes a limit hold across instances within about a second", async () => {
    const { clock, a, b } = twoInstances();
    a.ledger.start();
    b.ledger.start();
    for (let n = 0; n < 3; n++) expect(a.reserve().admitted).toBe(true);
    await clock.advance(2100);
    expect(b.reserve().admitted).toBe(true);
    expect(b.reserve()).toMatchObject({ admitted: false, limit: "concurrentRequests" });
    await a.ledger.close();
    await b.ledger.close();
    expect(clock.pending).toBe(0);
  });

  it("does not count its own use twice", async () => {
    const { a } = twoInstances();
    a.reserve();
    await a.ledger.exchange();
    await a.ledger.exchange();
    expect(a.book.find(SUBJECT.id)?.remote.requestsInMinute).toBe(0);
  });

  it("writes nothing while there is nothing to say", async () => {
    const { a, table } = twoInstances();
    await a.ledger.exchange();
    expect(await table.asTable.readPartition("limitUse")).toEqual([]);
  });

  it("tells of those who use the most when a row has no room for all", async () => {
    const { clock, table, problems, a, b } = twoInstances();
    for (let n = 0; n < 12_000; n++) {
      const id = `caller:${String(n).padStart(40, "0")}`;
      a.book.reserve(
        [{ id, limits: { requestsPerMinute: 100 } }],
        { prompt: 1, total: 1 },
        clock.now(),
      );
    }
    for (let n = 0; n < 3; n++) a.reserve();
    await a.ledger.exchange();
    await b.ledger.exchange();
    const [row] = await table.asTable.readPartition("limitUse");
    const characters = Object.values(row ?? {}).reduce<number>(
      (sum, v) => sum + String(v).length,
      0,
    );
    expect(characters).toBeLessThan(500_000);
    expect(b.book.find(SUBJECT.id)?.remote.requestsInMinute).toBe(3);
    expect(problems).toEqual([]);
  });

  it("keeps the last figures when storage is away, and says so", async () => {
    const { clock, problems, table, a, b } = twoInstances();
    a.reserve();
    await a.ledger.exchange();
    await b.ledger.exchange();
    table.isAway = true;
    b.ledger.start();
    await clock.advance(1000);
    expect(problems.length).toBeGreaterThan(0);
    expect(b.book.find(SUBJECT.id)?.remote.requestsInMinute).toBe(1);
    await b.ledger.close();
  });

  it("lets what a dead instance ran go, keeps its tokens of the day, and ends them with the day", () => {
    const now = Date.UTC(2026, 0, 2, 12);
    const day = Math.floor(now / 86_400_000);
    const use = { requestsInMinute: 60, tokensInMinute: 600, tokensToday: 5000, concurrent: 3 };
    const dead = { updatedAt: now - 30_000, day, subjects: { "user:ann": use } };
    expect(sumOf([dead], now).get("user:ann")).toEqual({
      requestsInMinute: 30,
      tokensInMinute: 300,
      tokensToday: 5000,
      concurrent: 0,
    });
    expect(sumOf([dead], now - 60_000).get("user:ann")).toMatchObject({ requestsInMinute: 60 });
    expect(sumOf([dead], now + 86_400_000).get("user:ann")).toMatchObject({
      requestsInMinute: 0,
      tokensToday: 0,
    });
  });
});
