import { describe, expect, it, vi } from "vitest";
import { stallingBody } from "../../../support/fake-backends.ts";
import { settle } from "../../../support/fake-clock.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { envelopeFor, expectNothingHeld, replies, run } from "../../../support/lane-messages.ts";

function jobsOf({ services: { jobs } }: TestGateway) {
  if (!jobs) throw new Error("The gateway has no jobs.");
  return jobs;
}

describe("a message of a lane whose answer nobody waits for any more", () => {
  it("is dropped without a call when its client has left this instance, its blob with it", async () => {
    const gateway = createGateway();
    await gateway.work.write("requests/1", Buffer.from("question"));
    const body = { blob: "requests/1", sizeBytes: 8 };
    await run(gateway, envelopeFor(gateway, { replySession: "gateway-1", body }));
    expect([gateway.backends.calls, gateway.bus.sent]).toEqual([[], []]);
    expect(gateway.work.removed).toEqual(["requests/1"]);
  });

  it("is dropped without a call and without a slot when its client has left another instance", async () => {
    const gateway = createGateway({ Workers: "1" });
    const { slots, fairShare } = gateway.services;
    const held = slots.tryAcquire({ priority: 1 });
    await gateway.work.write("requests/1", Buffer.from("question"));
    fairShare.left.replaceRemote(["request-1"]);
    const body = { blob: "requests/1", sizeBytes: 8 };
    await run(gateway, envelopeFor(gateway, { body }));
    held?.release();
    expect([gateway.backends.calls, gateway.bus.sent]).toEqual([[], []]);
    expect(gateway.work.removed).toEqual(["requests/1"]);
    expectNothingHeld(gateway);
  });

  it("is dropped when its client leaves another instance while it waits for a slot", async () => {
    const gateway = createGateway({ Workers: "1" });
    const { slots, fairShare } = gateway.services;
    const held = slots.tryAcquire({ priority: 1 });
    const running = run(gateway, envelopeFor(gateway));
    await gateway.clock.advance(0);
    fairShare.left.replaceRemote(["request-1"]);
    held?.release();
    await running;
    expect([gateway.backends.calls, gateway.bus.sent]).toEqual([[], []]);
    expectNothingHeld(gateway);
  });

  it.each([
    ["before the answer", (gateway: TestGateway) => gateway.backends.silence(), 1],
    [
      "within the body",
      (gateway: TestGateway) => {
        const { body, discard } = stallingBody();
        gateway.backends.answers.push(() => ({ status: 200, headers: [], body, discard }));
      },
      0,
    ],
  ])(
    "is given up, backend and slot and blob, when its client leaves %s",
    async (_, begin, words) => {
      const gateway = createGateway({ Workers: "1" });
      await gateway.work.write("requests/1", Buffer.from("question"));
      begin(gateway);
      const body = { blob: "requests/1", sizeBytes: 8 };
      const running = run(gateway, envelopeFor(gateway, { body }));
      await expect.poll(() => gateway.backends.calls).toHaveLength(1);
      await settle();
      gateway.services.fairShare.left.replaceRemote(["request-1"]);
      await running;
      // Who holds its claim on limits learns that a backend had worked.
      expect(replies(gateway)).toHaveLength(words);
      expect(gateway.work.removed).toEqual(["requests/1"]);
      expectNothingHeld(gateway);
    },
  );

  it("goes on when its client leaves and it is a job by then", async () => {
    const gateway = createGateway();
    gateway.backends.silence();
    const promotion = { at: gateway.clock.now(), expiresAt: gateway.clock.now() + 3_600_000 };
    const running = run(gateway, envelopeFor(gateway, { promotion }));
    await expect.poll(() => gateway.backends.calls).toHaveLength(1);
    const promoted = vi.spyOn(jobsOf(gateway).store, "isPromoted").mockResolvedValue(true);
    gateway.services.fairShare.left.replaceRemote(["request-1"]);
    await settle();
    expect(gateway.backends.calls[0]?.signal.aborted).toBe(false);
    promoted.mockResolvedValue(false);
    gateway.services.fairShare.left.replaceRemote(["request-1"]);
    await running;
    expect(gateway.backends.calls[0]?.signal.aborted).toBe(true);
    expectNothingHeld(gateway);
  });

  it("is dropped without a call when its time is over", async () => {
    const gateway = createGateway();
    await run(gateway, envelopeFor(gateway, { expiresAt: gateway.clock.now() }));
    expect(gateway.backends.calls).toEqual([]);
    expectNothingHeld(gateway);
  });

  it("is dropped when its time is over while it waits for a slot", async () => {
    const gateway = createGateway({ Workers: "1" });
    const held = gateway.services.slots.tryAcquire({ priority: 1 });
    const running = run(gateway, envelopeFor(gateway));
    await gateway.clock.advance(60_000);
    await running;
    held?.release();
    expect(gateway.backends.calls).toEqual([]);
    expectNothingHeld(gateway);
  });

  it("is given up, slot and connection and all, when its time is over in the middle of a body", async () => {
    const gateway = createGateway();
    const { body, discard } = stallingBody();
    gateway.backends.answers.push(() => ({ status: 200, headers: [], body, discard }));
    const running = run(gateway, envelopeFor(gateway));
    await gateway.clock.advance(60_000);
    await running;
    expect(replies(gateway)).toEqual([]);
    expectNothingHeld(gateway);
  });
});
