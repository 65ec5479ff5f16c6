import { randomUUID } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { fromUsageMessage, UsageOutbox } from "../../../shared/ledger/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { usageEvent } from "../../support/usage-events.ts";

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

const idsIn = (message: string): string[] =>
  fromUsageMessage(message).told.events.map(({ id }) => id);

describe("UsageOutbox", () => {
  it("sends what came within a second in one message", async () => {
    const sent: string[] = [];
    const { outbox, clock } = createOutbox(async (message) => void sent.push(message));
    for (const id of ["a", "b", "c"]) outbox.take(usageEvent({ id }));
    expect(sent).toEqual([]);
    await clock.advance(1000);
    expect(sent.map(idsIn)).toEqual([["a", "b", "c"]]);
    expect(outbox.state).toEqual({ waiting: 0, sent: 3, dropped: 0 });
    expect(clock.pending).toBe(0);
  });

  it("keeps each message within what a queue takes", async () => {
    const sent: string[] = [];
    const { outbox } = createOutbox(async (message) => void sent.push(message));
    const user = "ü".repeat(4000);
    for (let n = 0; n < 150; n++) outbox.take(usageEvent({ id: `e${n}`, user }));
    await outbox.flush();
    expect(sent.length).toBeGreaterThan(1);
    expect(
      Math.max(...sent.map((text) => Buffer.from(text).toString("base64").length)),
    ).toBeLessThan(65_536);
    expect(sent.flatMap(idsIn)).toEqual(Array.from({ length: 150 }, (_, n) => `e${n}`));
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
    outbox.take(usageEvent({ id: "a" }));
    await outbox.flush();
    outbox.take(usageEvent({ id: "b" }));
    expect([sent, onProblem.mock.calls.length]).toEqual([[], 1]);
    isAway = false;
    await clock.advance(30_000);
    expect(sent.flatMap(idsIn)).toEqual(["a", "b"]);
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
    expect(outbox.state).toEqual({ waiting: 0, sent: 20_000, dropped: 5 });
    expect(onDropped.mock.calls).toEqual([[5]]);
  });

  it("sends what waits when the app ends, for as long as that may take", async () => {
    const sent: string[] = [];
    const quick = createOutbox(async (message) => void sent.push(message));
    quick.outbox.take(usageEvent({ id: "a" }));
    await quick.outbox.close();
    expect(sent.flatMap(idsIn)).toEqual(["a"]);

    const slow = createOutbox(() => new Promise(() => {}));
    slow.outbox.take(usageEvent({ id: "b" }));
    const closing = slow.outbox.close();
    await slow.clock.advance(5000);
    await closing;
    expect(slow.onDropped.mock.calls).toEqual([[1]]);
  });
});
