import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../shared/core/clock.ts";
import {
  fromUsageMessage,
  type LedgerRow,
  type LedgerTable,
  type ToldUsage,
  toUsageMessages,
  UsageLedger,
} from "../../../shared/ledger/index.ts";
import type { UsageEvent } from "../../../shared/usage/index.ts";
import { MemoryTable } from "../../support/memory-table.ts";
import { USED_AT, usageEvent } from "../../support/usage-events.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function createLedger(table = new MemoryTable()) {
  const ledger = new UsageLedger({
    table: table as unknown as LedgerTable,
    clock: systemClock,
    random: Math.random,
  });
  return { table, ledger };
}

const ALL = { fromAt: USED_AT - 2 * DAY_MS, beforeAt: USED_AT + 2 * DAY_MS };

async function rowsOf(ledger: UsageLedger, span = ALL, user?: string): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for await (const page of ledger.read({ ...span, user })) rows.push(...page);
  return rows;
}

const totalOf = (rows: readonly LedgerRow[]) => ({
  events: rows.reduce((sum, { events }) => sum + events, 0),
  tokens: rows.reduce((sum, { totalTokens }) => sum + totalTokens, 0),
});

/** What a message tells whose events may all come again. */
const alone = (all: readonly UsageEvent[]): ToldUsage => ({ id: "m", sums: [], events: all });
/** A message as the outbox makes it. */
function told(id: string, all: readonly UsageEvent[]): ToldUsage {
  const [message, ...more] = toUsageMessages(all, () => id);
  if (!message || more.length > 0) throw new Error("The test's events fill more than a message.");
  return fromUsageMessage(message.text).told;
}

const events = (count: number, change: (index: number) => Partial<UsageEvent> = () => ({})) =>
  Array.from({ length: count }, (_, index) => usageEvent({ id: `e${index}`, ...change(index) }));

describe("UsageLedger", () => {
  it("adds events up by user, group, model, backend, class, kind, provenance and hour", async () => {
    const { ledger } = createLedger();
    await ledger.record(
      alone([
        usageEvent({ id: "a" }),
        usageEvent({ id: "b" }),
        usageEvent({ id: "c", model: "other" }),
        usageEvent({ id: "d", kind: "attempt", provenance: "unknown", tokens: undefined }),
        usageEvent({ id: "e", endedAt: USED_AT + HOUR_MS }),
        usageEvent({ id: "f", group: "team", priority: 1, backend: "Host2" }),
      ]),
    );
    const rows = await rowsOf(ledger);
    expect(rows.map(({ events: count }) => count).sort()).toEqual([1, 1, 1, 1, 2]);
    expect(rows.find(({ events: count }) => count === 2)).toEqual({
      hourAt: Date.parse("2026-11-22T09:00:00Z"),
      user: "ann",
      group: "",
      model: "gpt-4o",
      backend: "Host1",
      priority: 2,
      kind: "answer",
      provenance: "reported",
      serviceTier: "default",
      events: 2,
      inputTokens: 20,
      outputTokens: 10,
      totalTokens: 30,
      cacheReadInputTokens: 0,
      cacheCreationInputTokens: 0,
      reasoningOutputTokens: 0,
      audioInputTokens: 0,
      audioOutputTokens: 0,
    });
  });

  it("counts an event once, however often and in whatever company it is told", async () => {
    const { ledger } = createLedger();
    const all = events(130);
    await ledger.record(alone([...all, ...all.slice(0, 7)]));
    await ledger.record(alone(all));
    await ledger.record(alone([...all.slice(60, 90), usageEvent({ id: "new" })]));
    expect(totalOf(await rowsOf(ledger))).toEqual({ events: 131, tokens: 131 * 15 });
  });

  it("loses nothing when many count for one user at the same time", async () => {
    const { ledger, table } = createLedger();
    const others = Array.from({ length: 9 }, () => createLedger(table).ledger);
    await Promise.all(
      [ledger, ...others].map((each, index) =>
        each.record(alone(events(40, (n) => ({ id: `i${index}-${n}` })))),
      ),
    );
    expect(totalOf(await rowsOf(ledger))).toEqual({ events: 400, tokens: 6000 });
  });

  it("counts the same events once when two are told them at the same time", async () => {
    const { ledger, table } = createLedger();
    const all = events(70);
    await Promise.all([ledger.record(alone(all)), createLedger(table).ledger.record(alone(all))]);
    expect(totalOf(await rowsOf(ledger))).toEqual({ events: 70, tokens: 1050 });
  });

  it("counts all of a message that failed half-way when it is told again", async () => {
    const { ledger, table } = createLedger();
    const all = events(60, (n) => ({ user: n % 2 === 0 ? "ann" : "bob" }));
    const { transact } = table;
    let writes = 0;
    table.transact = async (changes) => {
      writes += 1;
      if (writes === 2) throw new Error("The storage is away.");
      return transact.call(table, changes);
    };
    await expect(ledger.record(alone(all))).rejects.toThrow("away");
    expect(totalOf(await rowsOf(ledger)).events).toBeLessThan(60);
    await ledger.record(alone(all));
    expect(totalOf(await rowsOf(ledger))).toEqual({ events: 60, tokens: 900 });
  });

  it("marks a message once for all its events of a user's day, and counts it once", async () => {
    const { ledger, table } = createLedger();
    const message = told("m1", events(70));
    await Promise.all([ledger.record(message), createLedger(table).ledger.record(message)]);
    await ledger.record(message);
    await ledger.record(told("m2", events(30)));
    expect(totalOf(await rowsOf(ledger))).toEqual({ events: 100, tokens: 1500 });
    const markers = [...table.rows.values()].filter(({ rowKey }) => rowKey?.startsWith("event~"));
    expect(markers).toHaveLength(2);
  });

  it("counts an event once that comes again in another message, among others that do not", async () => {
    const { ledger } = createLedger();
    const again = events(60, (n) => ({ id: `provider-${n}`, mayComeAgain: true }));
    await ledger.record(told("m1", [...events(120), ...again]));
    await ledger.record(told("m2", [...again, usageEvent({ id: "new" })]));
    expect(totalOf(await rowsOf(ledger))).toEqual({ events: 181, tokens: 181 * 15 });
  });

  it("counts all of every message once, wherever it fails and however often it comes", async () => {
    const message = fc.record({
      counts: fc.array(fc.nat({ max: 120 }), { minLength: 1, maxLength: 3 }),
      models: fc.integer({ min: 1, max: 120 }),
      again: fc.integer({ min: 1, max: 9 }),
    });
    const failures = fc.array(fc.nat({ max: 12 }), { maxLength: 6 });
    const run = fc.asyncProperty(message, failures, async ({ counts, models, again }, failing) => {
      const { ledger, table } = createLedger();
      const { transact } = table;
      let writes = 0;
      table.transact = async (changes) => {
        const fails = failing.includes(writes++);
        // Half of those that fail have changed everything before they say so.
        if (fails && writes % 2 === 0) throw new Error("The storage is away.");
        const isDone = await transact.call(table, changes);
        if (fails) throw new Error("The answer was lost.");
        return isDone;
      };
      const all = counts.flatMap((count, user) =>
        events(count, (n) => ({
          id: `${user}-${n}`,
          user: `user${user}`,
          model: `model${n % models}`,
          ...(n % again === 0 ? { mayComeAgain: true as const } : {}),
          ...(n % 5 === again % 5 ? { serviceTier: "flex" } : {}),
        })),
      );
      let ids = 0;
      const messages = toUsageMessages(all, () => `m${++ids}`);
      for (const { text } of [...messages, ...messages]) {
        const record = () =>
          ledger.record(fromUsageMessage(text).told).then(
            () => true,
            () => false,
          );
        while (!(await record()));
      }
      expect(totalOf(await rowsOf(ledger)).events).toBe(all.length);
    });
    await fc.assert(run, { numRuns: 15 });
  });

  it("counts work in the background once, for whom it began, whoever is told of its end and when", async () => {
    const { ledger, table } = createLedger();
    const signal = new AbortController().signal;
    const work = { work: "resp_1", mayComeAgain: true } as const;
    const begun = usageEvent({ id: "begun-1", group: "team", tokens: undefined, ...work });
    const ended = usageEvent({ id: "ended-1", user: "bob", ...work });
    const others = [createLedger(table).ledger, createLedger(table).ledger];
    await ledger.record(told("m1", [begun]));
    await Promise.all(others.map((each, n) => each.record(told(`m2-${n}`, [ended]))));
    await ledger.forgetMarkers({ ...ALL, madeBefore: Date.now() + 1, signal });
    await ledger.record(told("m3", [usageEvent({ id: "ended-1", user: "cy", ...work })]));
    const rows = await rowsOf(ledger);
    expect(totalOf(rows)).toEqual({ events: 2, tokens: 15 });
    expect(rows.map(({ user, group }) => [user, group])).toEqual([["ann", "team"]]);
    const endAt = Date.now() + DAY_MS;
    await ledger.forgetDays({ beforeAt: USED_AT + DAY_MS, endAt, signal });
    expect(table.rows.size).toBe(0);
  });

  it("has one owner of work that several are told of first", async () => {
    const { ledger, table } = createLedger();
    const others = Array.from({ length: 7 }, () => createLedger(table).ledger);
    const work = { work: "resp_1", mayComeAgain: true } as const;
    await Promise.all(
      [ledger, ...others].map((each, n) =>
        each.record(alone([usageEvent({ id: "ended-1", user: `user${n}`, ...work })])),
      ),
    );
    expect(totalOf(await rowsOf(ledger))).toEqual({ events: 1, tokens: 15 });
  });

  it("counts an event that comes late to its own hour", async () => {
    const { ledger } = createLedger();
    const endedAt = USED_AT - DAY_MS;
    await ledger.record(
      told("m", [usageEvent({ id: "late", endedAt }), usageEvent({ id: "now" })]),
    );
    const span = { fromAt: endedAt - HOUR_MS, beforeAt: endedAt + HOUR_MS };
    expect(totalOf(await rowsOf(ledger, span))).toEqual({ events: 1, tokens: 15 });
  });

  it("reads one user's rows, whatever the name is", async () => {
    const { ledger } = createLedger();
    const name = "ann/?#\\\u0001\n'; drop--".padEnd(3000, "x");
    await ledger.record(alone([usageEvent({ id: "a", user: name }), usageEvent({ id: "b" })]));
    const [row, ...rest] = await rowsOf(ledger, ALL, name);
    expect([row?.user, rest]).toEqual([name, []]);
  });

  it("keeps counts beyond 32 bits", async () => {
    const { ledger } = createLedger();
    const tokens = { inputTokens: 4_000_000_000, totalTokens: 4_000_000_000 };
    await ledger.record(
      told("m", [usageEvent({ id: "a", tokens }), usageEvent({ id: "b", tokens })]),
    );
    expect(totalOf(await rowsOf(ledger)).tokens).toBe(8_000_000_000);
  });

  it("forgets whole days, oldest first, and no more than it has time for", async () => {
    const { ledger, table } = createLedger();
    const signal = new AbortController().signal;
    const days = [0, 1, 2].map((day) => USED_AT + day * DAY_MS);
    const used = days.flatMap((endedAt) =>
      ["ann", "bob"].map((user) => usageEvent({ id: `${endedAt} ${user}`, endedAt, user })),
    );
    await ledger.record(told("m", used));
    const rowsLeft = async () =>
      (await rowsOf(ledger, { fromAt: 0, beforeAt: USED_AT + 9 * DAY_MS })).length;
    const endAt = Date.now() + DAY_MS;
    const forget = (change: object) =>
      ledger.forgetDays({ beforeAt: days[2] ?? 0, endAt, signal, ...change });
    expect(await forget({ beforeAt: days[0] })).toBe(0);
    expect(await forget({ endAt: 0 })).toBe(0);
    expect(await forget({ signal: AbortSignal.abort() })).toBe(0);
    expect(await rowsLeft()).toBe(6);
    // Each user's day has a row and a marker.
    expect(await forget({})).toBe(8);
    expect(await rowsLeft()).toBe(2);
    expect(table.rows.size).toBe(4);
  });

  it("forgets the markers of a while ago, and no row", async () => {
    const { ledger, table } = createLedger();
    for (const id of ["m1", "m2", "m3"]) await ledger.record(told(id, events(2)));
    const signal = new AbortController().signal;
    const span = { fromAt: ALL.fromAt, beforeAt: ALL.beforeAt, signal };
    expect(await ledger.forgetMarkers({ ...span, madeBefore: 0 })).toBe(0);
    expect(await ledger.forgetMarkers({ ...span, madeBefore: Date.now() + 1 })).toBe(3);
    expect(table.rows.size).toBe(1);
  });
});
