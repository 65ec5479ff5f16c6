import { randomUUID } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { fromUsageMessage, UsageOutbox } from "../../../shared/ledger/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { USED_AT, usageEvent } from "../../support/usage-events.ts";

function createOutbox(send: (message: string) => Promise<void>) {
  const clock = new FakeClock();
  const onProblem = vi.fn();
  const onDropped = vi.fn();
  return {
    clock,
    onProblem,
    onDropped,
    outbox: new UsageOutbox({ send, clock, newId: randomUUID, onProblem, onDropped }),
  };
}

/** Whose use a message tells: each test's users have one event each. */
const usersIn = (message: string): string[] =>
  fromUsageMessage(message).told.sums.map(({ user }) => user);
const eventOf = (user: string) => usageEvent({ id: `of ${user}`, user });

describe("UsageOutbox", () => {
  it("sends what came within a second in one message", async () => {
    const sent: string[] = [];
    const { outbox, clock } = createOutbox(async (message) => void sent.push(message));
    for (const id of ["a", "b", "c"]) outbox.take(eventOf(id));
    expect(sent).toEqual([]);
    await clock.advance(1000);
    expect(sent.map(usersIn)).toEqual([["a", "b", "c"]]);
    expect(outbox.state).toEqual({ waiting: 0, sent: 3, dropped: 0, oldestAt: undefined });
    expect(clock.pending).toBe(0);
  });

  it("adds up what has its names in common, and tells apart what may come again", async () => {
    const sent: string[] = [];
    const { outbox } = createOutbox(async (message) => void sent.push(message));
    const again = usageEvent({ id: "provider-1", endedAt: USED_AT - 5, mayComeAgain: true });
    for (let n = 0; n < 300; n++) outbox.take(usageEvent({ id: `e${n}`, model: `m${n % 2}` }));
    outbox.take(again);
    await outbox.flush();
    expect(outbox.state).toMatchObject({ waiting: 0, sent: 301, dropped: 0 });
    const [told, ...more] = sent.map((message) => fromUsageMessage(message).told);
    const counted = { events: 150, inputTokens: 1500, outputTokens: 750, totalTokens: 2250 };
    expect(told).toMatchObject({
      oldestAt: USED_AT - 5,
      sums: [
        { user: "ann", model: "m0", audioInputTokens: 0, ...counted },
        { user: "ann", model: "m1", audioInputTokens: 0, ...counted },
      ],
      events: [{ id: "provider-1", tokens: again.tokens }],
    });
    expect(more).toEqual([]);
  });

  it("is understood by an app that is told by an older one", () => {
    const events = [usageEvent({ id: "a" }), usageEvent({ id: "b", endedAt: USED_AT - 1 })];
    const { told, poison } = fromUsageMessage(JSON.stringify({ version: 1, events }));
    expect(told).toEqual({ id: expect.any(String), oldestAt: USED_AT - 1, sums: [], events });
    expect(poison).toBeUndefined();
  });

  it("keeps each message within what a queue takes", async () => {
    const sent: string[] = [];
    const { outbox } = createOutbox(async (message) => void sent.push(message));
    const users = Array.from({ length: 150 }, (_, n) => `${n}${"ü".repeat(4000)}`);
    for (const user of users) outbox.take(eventOf(user));
    await outbox.flush();
    expect(sent.length).toBeGreaterThan(1);
    expect(
      Math.max(...sent.map((text) => Buffer.from(text).toString("base64").length)),
    ).toBeLessThan(65_536);
    expect(sent.flatMap(usersIn)).toEqual(users);
  });

  it("sends the same messages again, in their order, when the queue was away", async () => {
    const tried: string[] = [];
    const sent: string[] = [];
    let isAway = true;
    const { outbox, clock, onProblem } = createOutbox(async (message) => {
      tried.push(message);
      if (isAway) throw new Error("The queue is away.");
      sent.push(message);
    });
    outbox.take(eventOf("a"));
    await outbox.flush();
    outbox.take({ ...eventOf("b"), endedAt: USED_AT + 60_000 });
    expect(outbox.state).toMatchObject({ waiting: 2, oldestAt: USED_AT });
    expect([sent, onProblem.mock.calls.length]).toEqual([[], 1]);
    isAway = false;
    await clock.advance(30_000);
    expect(sent.flatMap(usersIn)).toEqual(["a", "b"]);
    // To the letter, its id included: by that it is known when both arrive.
    expect(tried[1]).toBe(tried[0]);
    expect(new Set(sent.map((message) => fromUsageMessage(message).told.id)).size).toBe(2);
  });

  it("holds no more than it has room for, and counts what it drops", async () => {
    let isAway = true;
    const { outbox, clock, onDropped } = createOutbox(async () => {
      if (isAway) throw new Error("The queue is away.");
    });
    for (let n = 0; n < 20_005; n++) outbox.take(usageEvent({ id: `e${n}` }));
    await outbox.flush();
    expect(outbox.state).toMatchObject({ waiting: 20_000, dropped: 5 });
    isAway = false;
    await clock.advance(60_000);
    expect(outbox.state).toMatchObject({ waiting: 0, sent: 20_000, dropped: 5 });
    expect(onDropped.mock.calls).toEqual([[5]]);
  });

  it("sends what waits when the app ends, for as long as that may take", async () => {
    const sent: string[] = [];
    const quick = createOutbox(async (message) => void sent.push(message));
    quick.outbox.take(eventOf("a"));
    await quick.outbox.close();
    expect(sent.flatMap(usersIn)).toEqual(["a"]);

    const slow = createOutbox(() => new Promise(() => {}));
    slow.outbox.take(eventOf("b"));
    const closing = slow.outbox.close();
    await slow.clock.advance(5000);
    await closing;
    expect(slow.onDropped.mock.calls).toEqual([[1]]);
  });
});
