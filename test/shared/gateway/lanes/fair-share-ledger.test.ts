import { describe, expect, it } from "vitest";
import { createFairShareLedger } from "../../../../shared/gateway/lanes/fair-share-ledger.ts";
import { FairShareBook, LaneRelief, LeftRequests } from "../../../../shared/scheduling/index.ts";
import { toLongText } from "../../../../shared/storage/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemoryTable } from "../../../support/memory-table.ts";

const STANDARD = 2;
const QUEUE = "lane-standard";
const SLOTS = 5;
const HEAVY = { userId: "heavy" };
const LIGHT = { userId: "light" };

/** Instances with five slots each that share one table. */
function houseOf(...ids: readonly string[]) {
  const clock = new FakeClock();
  const table = new MemoryTable();
  const problems: unknown[] = [];
  const open = (instanceId: string) => {
    const book = new FairShareBook({ clock, capacityOf: () => SLOTS });
    const left = new LeftRequests(clock);
    const relief = new LaneRelief({
      queues: [QUEUE],
      spareOf: () => SLOTS,
      random: () => 0,
    });
    const onProblem = (error: unknown): void => void problems.push(error);
    const ledger = createFairShareLedger({
      ...{ book, left, relief, table: table.asTable, instanceId, clock, onProblem },
    });
    const hold = (caller: { userId: string }, count: number) =>
      Array.from({ length: count }, () => book.hold(STANDARD, caller));
    return {
      book,
      left,
      relief,
      ledger,
      hold,
      isOver: (caller: { userId: string }) => book.judge(STANDARD, caller).isOver,
    };
  };
  return { clock, table, problems, instances: ids.map(open) };
}

function two() {
  const { instances, ...house } = houseOf("a", "b");
  const [a, b] = instances;
  if (!a || !b) throw new Error("two instances");
  return { ...house, a, b };
}

describe("the ledger of fair share", () => {
  it("makes all instances judge a user by what they have everywhere, within about a second", async () => {
    const { clock, a, b } = two();
    a.ledger.start();
    b.ledger.start();
    a.hold(HEAVY, 30);
    b.hold(LIGHT, 2);
    await clock.advance(2100);
    expect([a.isOver(HEAVY), b.isOver(HEAVY)]).toEqual([true, true]);
    expect([a.isOver(LIGHT), b.isOver(LIGHT)]).toEqual([false, false]);
    await a.ledger.close();
    await b.ledger.close();
    expect(clock.pending).toBe(0);
  });

  it("sums up the slots of all instances", async () => {
    const { a, b } = two();
    a.hold(HEAVY, 6);
    a.hold(LIGHT, 1);
    expect(a.isOver(HEAVY)).toBe(true);
    b.hold(LIGHT, 1);
    await b.ledger.exchange();
    await a.ledger.exchange();
    expect(a.isOver(HEAVY)).toBe(false);
  });

  it("forgets what a dead instance had, and its row", async () => {
    const { clock, table, a, b } = two();
    a.hold(HEAVY, 30);
    b.hold(LIGHT, 1);
    await a.ledger.exchange();
    await b.ledger.exchange();
    expect(b.isOver(HEAVY)).toBe(true);
    await clock.advance(10_001);
    await b.ledger.exchange();
    expect(b.isOver(HEAVY)).toBe(false);
    expect((await table.readPartition("fairShare")).map(({ rowKey }) => rowKey)).toEqual(["b"]);
  });

  it("keeps what it heard last when storage is away, and says so", async () => {
    const { clock, table, problems, a, b } = two();
    a.hold(HEAVY, 30);
    b.hold(LIGHT, 1);
    await a.ledger.exchange();
    await b.ledger.exchange();
    table.isAway = true;
    b.ledger.start();
    await clock.advance(1000);
    expect(problems.length).toBeGreaterThan(0);
    expect(b.isOver(HEAVY)).toBe(true);
    await b.ledger.close();
  });

  it("tells whose messages in lanes nobody waits for, until they have come", async () => {
    const { clock, a, b } = two();
    a.left.add("request-1", clock.now() + 60_000);
    await a.ledger.exchange();
    await b.ledger.exchange();
    expect(b.left.has("request-1")).toBe(true);
    a.left.forget("request-1");
    await a.ledger.exchange();
    await b.ledger.exchange();
    expect(b.left.has("request-1")).toBe(false);
  });

  it("understands the row of an instance that tells of nobody who left", async () => {
    const { clock, table, b } = two();
    const classes = [
      { priority: STANDARD, capacity: 5, users: [{ ...HEAVY, demand: 30 }] },
      { priority: STANDARD, capacity: 0, users: [{ ...LIGHT, demand: 1 }] },
    ];
    const facts = toLongText({ updatedAt: clock.now(), classes });
    await table.upsert({ partitionKey: "fairShare", rowKey: "old", ...facts });
    await b.ledger.exchange();
    expect(b.isOver(HEAVY)).toBe(true);
  });

  it("tells of those who have most, where there are too many to tell", async () => {
    const { table, a, b } = two();
    for (let n = 0; n < 6000; n++) a.hold({ userId: `u${n}`.padEnd(100, "-") }, 1);
    a.hold(HEAVY, 50);
    for (let n = 0; n < 2000; n++) a.left.add(`${n}`.padEnd(36, "-"), Number.POSITIVE_INFINITY);
    await a.ledger.exchange();
    await b.ledger.exchange();
    expect(b.isOver(HEAVY)).toBe(true);
    expect(b.left.has("1999".padEnd(36, "-"))).toBe(true);
    const [row] = await table.readPartition("fairShare");
    expect(JSON.stringify(row).length).toBeLessThan(520_000);
  });
});

describe("the book of fair share", () => {
  it("keeps a user where they are until all they have there is through", () => {
    const { a } = two();
    a.hold(LIGHT, 2);
    const waiting = a.hold(HEAVY, 9);
    expect(a.isOver(HEAVY)).toBe(true);
    const over = a.book.hold(STANDARD, HEAVY, { isOver: true });
    for (const one of waiting) one.release();
    expect(a.isOver(HEAVY)).toBe(true);
    over.release();
    expect(a.isOver(HEAVY)).toBe(false);
  });

  it("does not keep a user behind the backlog of one who has far more", () => {
    const { a } = two();
    a.book.hold(STANDARD, LIGHT, { isOver: true });
    a.hold(LIGHT, 1);
    expect(a.isOver(LIGHT)).toBe(true);
    a.hold(HEAVY, 30);
    expect(a.isOver(LIGHT)).toBe(false);
  });

  it("leaves less urgent classes what more urgent ones do not use", () => {
    const { a } = two();
    for (let n = 0; n < 4; n++) a.book.hold(1, { userId: `urgent${n}` });
    a.hold(HEAVY, 4);
    a.hold(LIGHT, 1);
    expect(a.isOver(HEAVY)).toBe(true);
  });

  it("tells the place and, from the measured rate, the wait", () => {
    const { clock, a } = two();
    expect(a.book.judge(STANDARD, LIGHT)).toEqual({
      isOver: false,
      position: 0,
      estimatedWaitMs: 0,
    });
    a.hold(HEAVY, 5);
    expect(a.book.judge(STANDARD, LIGHT)).toMatchObject({ position: 0 });
    a.hold(HEAVY, 20);
    expect(a.book.judge(STANDARD, HEAVY)).toMatchObject({
      position: 21,
      estimatedWaitMs: undefined,
    });
    // One that has ended says enough: 21 begin before it, five at a time.
    a.book.ended(STANDARD, 500);
    expect(a.book.judge(STANDARD, HEAVY).estimatedWaitMs).toBe(2100);
    for (let n = 0; n < 100; n++) a.book.ended(STANDARD, 1000);
    expect(a.book.judge(STANDARD, HEAVY).estimatedWaitMs).toBeCloseTo(4200, 0);
    expect(clock.pending).toBe(0);
  });

  it("foresees the wait by what other instances have measured, where nothing ended here", async () => {
    const { a, b } = two();
    b.hold(HEAVY, 20);
    b.book.ended(STANDARD, 1000);
    await b.ledger.exchange();
    a.hold(HEAVY, 10);
    await a.ledger.exchange();
    // 31 requests on ten slots: 21 begin before it.
    expect(a.book.judge(STANDARD, HEAVY)).toMatchObject({ position: 21, estimatedWaitMs: 2100 });
  });

  it("forgets who has nothing any more", () => {
    const { a } = two();
    for (const held of a.hold(HEAVY, 30)) {
      held.release();
      held.release();
    }
    expect(a.book.local()).toMatchObject([{ priority: STANDARD, users: [] }]);
  });

  it("hands back what waits at one instance while another has slots for it", async () => {
    const { a, b } = two();
    const waits = Array.from({ length: SLOTS + 1 }, () => a.relief.enter(QUEUE));
    b.relief.serve(QUEUE);
    await b.ledger.exchange();
    await a.ledger.exchange();
    expect(waits.filter(({ signal }) => signal.aborted)).toHaveLength(SLOTS);
  });
});
