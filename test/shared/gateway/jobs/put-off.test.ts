import { describe, expect, it } from "vitest";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { acceptedJob, envelopeFor, run, standardLane } from "../../../support/lane-messages.ts";

const stateOf = async ({ services }: TestGateway) =>
  (await services.jobs?.store.read("job-1"))?.outcome?.state;
const last = (gateway: TestGateway) => ({
  deliveryCount: standardLane(gateway).maxDeliveryCount,
});

describe("a job's message while storage is away", () => {
  it("comes again later and later, loses no delivery by it, and runs when storage is back", async () => {
    const gateway = createGateway();
    const job = await acceptedJob(gateway);
    gateway.backends.answer(200);
    gateway.table.isAway = true;
    let message: unknown = job;
    for (const delayMs of [3750, 7500, 15_000]) {
      await run(gateway, message, last(gateway));
      const sent = gateway.bus.sent.pop();
      expect(sent).toMatchObject({
        queue: standardLane(gateway).queue,
        message: { scheduledAt: gateway.clock.now() + delayMs, body: { id: "job-1", attempt: 1 } },
      });
      message = sent?.message.body;
    }
    expect(gateway.backends.calls).toEqual([]);
    expect(gateway.events.map(({ event }) => event).slice(0, 2)).toEqual([
      "message.failed",
      "message.put-off",
    ]);
    gateway.table.isAway = false;
    await run(gateway, message);
    expect(await stateOf(gateway)).toBe("succeeded");
    expect(gateway.services.slots.running).toBe(0);
  });

  it("comes again when the answer was there and could not be kept, with all backends to choose from", async () => {
    const gateway = createGateway();
    const job = await acceptedJob(gateway);
    gateway.backends.answer(200);
    gateway.results.isAway = true;
    await run(gateway, job, last(gateway));
    expect(gateway.bus.sent[0]?.message.body).toMatchObject({ trip: { attempts: 0, tried: [] } });
    gateway.results.isAway = false;
    await run(gateway, gateway.bus.sent[0]?.message.body);
    expect([await stateOf(gateway), gateway.backends.calls.length]).toEqual(["succeeded", 2]);
  });

  it("is given back when the bus is away as well", async () => {
    const gateway = createGateway();
    const job = await acceptedJob(gateway);
    gateway.table.isAway = true;
    gateway.bus.sendError = new Error("away");
    await expect(run(gateway, job)).rejects.toThrow("away");
    expect(gateway.bus.sent).toEqual([]);
  });

  it("is given back where its caller waits, who is to be told", async () => {
    const gateway = createGateway();
    gateway.work.isAway = true;
    const message = envelopeFor(gateway, { body: { blob: "requests/1", sizeBytes: 1 } });
    await expect(run(gateway, message)).rejects.toThrow("away");
    expect(gateway.bus.sent).toEqual([]);
  });
});
