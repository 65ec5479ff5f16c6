import { describe, expect, it } from "vitest";
import { createGateway } from "../../../support/gateway.ts";
import { envelopeFor, run, standardLane } from "../../../support/lane-messages.ts";

describe("a message that waits for a slot", () => {
  it("goes back to its queue as it came when another instance has a slot, and only while it waits", async () => {
    const gateway = createGateway({ Workers: "1" });
    const { relief } = gateway.services.fairShare;
    gateway.backends.silence();
    const first = run(gateway, envelopeFor(gateway, { id: "first" }));
    const waiting = envelopeFor(gateway, { id: "waiting" });
    const second = run(gateway, waiting);
    await gateway.clock.advance(1000);
    const { queue } = standardLane(gateway);
    expect(relief.local()).toEqual([{ queue, waiting: 1, spare: 0 }]);
    relief.hear([{ queue, waiting: 0, spare: 5 }]);
    await second;
    expect(gateway.bus.sent).toMatchObject([
      { queue, message: { body: waiting, timeToLiveMs: 59_000 } },
    ]);
    expect(gateway.bus.sent[0]?.message).not.toHaveProperty("scheduledAt");
    expect(gateway.events).toMatchObject([
      { event: "message.handed-back", requestId: "waiting", queue },
    ]);
    expect(gateway.backends.calls).toHaveLength(1);
    await gateway.clock.advance(60_000);
    await first;
    const { slots } = gateway.services;
    expect([slots.running, slots.waiting, gateway.clock.pending]).toEqual([0, 0, 0]);
    expect(relief.local()).toEqual([{ queue, waiting: 0, spare: 1 }]);
  });

  it("is void at its deadline, and does not go back", async () => {
    const gateway = createGateway({ Workers: "1" });
    gateway.backends.silence();
    const running = run(gateway, envelopeFor(gateway, { id: "first" }));
    const expiresAt = gateway.clock.now() + 5000;
    const waiting = run(gateway, envelopeFor(gateway, { id: "waiting", expiresAt }));
    await gateway.clock.advance(5000);
    await waiting;
    const { queue } = standardLane(gateway);
    gateway.services.fairShare.relief.hear([{ queue, waiting: 0, spare: 5 }]);
    expect(gateway.bus.sent).toEqual([]);
    await gateway.clock.advance(60_000);
    await running;
  });
});
