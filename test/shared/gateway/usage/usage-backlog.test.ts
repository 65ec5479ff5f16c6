import { describe, expect, it } from "vitest";
import { UsageBacklog } from "../../../../shared/gateway/usage/usage-backlog.ts";
import type { QueuedText } from "../../../../shared/storage/index.ts";
import { FakeClock, settle } from "../../../support/fake-clock.ts";

const LOOK_EVERY_MS = 20_000;

function open() {
  const clock = new FakeClock();
  const state = { waiting: 0, sent: 0, dropped: 0, oldestAt: undefined as number | undefined };
  const messages: QueuedText[] = [];
  const queue = { isAway: false, looks: 0 };
  const peek = async () => {
    queue.looks += 1;
    if (queue.isAway) throw new Error("The queue is away.");
    return messages;
  };
  const backlog = new UsageBacklog({ outbox: { state }, queue: { peek }, clock });
  return {
    clock,
    state,
    queue,
    put: (insertedAt: number) =>
      void messages.push({ messageId: String(insertedAt), text: "", insertedAt, dequeueCount: 0 }),
    count: () => void messages.shift(),
    backlog,
    /** What is told when metrics are read, once what is seen by that is known. */
    async ageMs(afterMs = LOOK_EVERY_MS) {
      await clock.advance(afterMs);
      backlog.oldestAgeMs();
      await settle();
      return backlog.oldestAgeMs();
    },
  };
}

describe("UsageBacklog", () => {
  it("tells nothing before it has seen the queue, and then that nothing waits", async () => {
    const { backlog, ageMs } = open();
    expect(backlog.oldestAgeMs()).toBeUndefined();
    expect(await ageMs()).toBe(0);
  });

  it("grows while nobody counts, and falls when somebody does", async () => {
    const { clock, put, count, ageMs } = open();
    put(clock.now());
    put(clock.now() + 50_000);
    expect(await ageMs(60_000)).toBe(60_000);
    expect(await ageMs(600_000)).toBe(660_000);
    count();
    expect(await ageMs()).toBe(630_000);
    count();
    expect(await ageMs()).toBe(0);
  });

  it("tells of what cannot even be sent", async () => {
    const { clock, state, queue, ageMs } = open();
    queue.isAway = true;
    expect(await ageMs()).toBeUndefined();
    state.oldestAt = clock.now();
    expect(await ageMs(700_000)).toBe(700_000);
  });

  it("looks into the queue no more often than is of use, whoever asks", async () => {
    const { clock, queue, backlog } = open();
    for (let n = 0; n < 100; n++) {
      backlog.oldestAgeMs();
      await settle();
    }
    expect(queue.looks).toBe(1);
    await clock.advance(LOOK_EVERY_MS);
    backlog.oldestAgeMs();
    expect(queue.looks).toBe(2);
  });
});
