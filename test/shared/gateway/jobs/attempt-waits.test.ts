import { describe, expect, it, vi } from "vitest";
import { readJob } from "../../../../shared/gateway/index.ts";
import type { RequestEnvelope } from "../../../../shared/messaging/index.ts";
import { createGateway, fakeEngine, type TestGateway } from "../../../support/gateway.ts";
import { acceptedJob, askedToWait, run } from "../../../support/lane-messages.ts";
import { textOf } from "../../../support/streams.ts";

const outcomeOf = async ({ services }: TestGateway) =>
  (await services.jobs?.store.read("job-1"))?.outcome;

const TWO = { Host1: "host=http://a.test;mode=direct", Host2: "host=http://b.test;mode=direct" };

async function open(
  settings: Record<string, string> = {},
): Promise<{ gateway: TestGateway; job: RequestEnvelope }> {
  const gateway = createGateway(settings);
  return { gateway, job: await acceptedJob(gateway) };
}

describe("an attempt whose backends ask to wait", () => {
  it("waits for backends that ask for it as often as they do, and stays the same attempt", async () => {
    const { gateway, job } = await open();
    const rounds = job.maxAttempts + 2;
    const message = await askedToWait(gateway, job, rounds);
    const waiting = await gateway.services.jobs?.store.read("job-1");
    expect([waiting?.outcome, waiting?.history]).toEqual([
      undefined,
      [{ attempt: 1, startedAt: expect.any(Number) }],
    ]);
    gateway.backends.answers.length = 0;
    gateway.backends.answer(200, "at last");
    await run(gateway, message);
    expect(await outcomeOf(gateway)).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(gateway.backends.calls).toHaveLength(rounds + 1);
  });

  it("waits a rest out that every backend asks for, as often as they do, and has not failed", async () => {
    const { gateway, job } = await open(TWO);
    const engine = fakeEngine();
    const rounds = job.maxAttempts + 2;
    let message = job;
    for (let round = 0; round < rounds; round++) {
      gateway.backends.answers.length = 0;
      gateway.backends.answer(429, "busy", [["retry-after", "7"]]);
      await run(gateway, message, { engine });
      const again = gateway.bus.sent.at(-1)?.message;
      expect(again).toMatchObject({ body: { attempt: 1 } });
      const waitMs = Number(again?.scheduledAt) - gateway.clock.now();
      expect(waitMs).toBeGreaterThanOrEqual(7000);
      expect(waitMs).toBeLessThan(8000);
      message = again?.body as RequestEnvelope;
      await gateway.clock.advance(waitMs);
    }
    // A rest that is not over costs no call.
    expect(gateway.backends.calls).toHaveLength(2 * rounds);
    expect(engine.signal).not.toHaveBeenCalled();
    gateway.backends.answers.length = 0;
    gateway.backends.answer(200, "at last");
    await run(gateway, message, { engine });
    expect(await outcomeOf(gateway)).toMatchObject({ state: "succeeded", attempt: 1 });
  });

  it("tells who asks when it looks again, while it waits and no longer", async () => {
    const { gateway, job } = await open();
    const view = async () => {
      const query = { id: "job-1", headers: [], target: "/jobs/job-1" };
      return JSON.parse(await textOf((await readJob(gateway.services, query)).body));
    };
    gateway.backends.answer(429, "busy", [["retry-after", "7"]]);
    await run(gateway, job);
    const again = gateway.bus.sent.at(-1)?.message;
    const scheduledAt = Number(again?.scheduledAt);
    expect(await view()).toMatchObject({
      state: "running",
      looksAgainAt: new Date(scheduledAt).toISOString(),
    });
    await gateway.clock.advance(scheduledAt - gateway.clock.now());
    expect(await view()).toMatchObject({ state: "running" });
    expect(await view()).not.toHaveProperty("looksAgainAt");
    gateway.backends.answers.length = 0;
    gateway.backends.answer(500, "broken");
    await run(gateway, again?.body);
    expect(await view()).toMatchObject({ state: "queued" });
    expect(await view()).not.toHaveProperty("looksAgainAt");
  });

  it("waits all the same where its wait cannot be noted", async () => {
    const { gateway, job } = await open();
    const { store } = gateway.services.jobs ?? {};
    if (!store) throw new Error("There are no jobs.");
    const noting = vi.spyOn(store, "noteWait").mockRejectedValue(new Error("storage is away"));
    gateway.backends.answer(429, "busy", [["retry-after", "7"]]);
    await run(gateway, job);
    expect(noting).toHaveBeenCalledOnce();
    expect(gateway.bus.sent.at(-1)?.message).toMatchObject({ body: { attempt: 1 } });
  });

  it.each([
    [[["retry-after", "0"]] as const],
    [
      [
        ["S7PREQUEUE", "true"],
        ["retry-after-ms", "0"],
      ] as const,
    ],
  ])("calls nobody in a tight loop that asks by %j to be called at once", async (asked) => {
    const { gateway, job } = await open();
    gateway.backends.answer(429, "now", asked);
    for (let message: RequestEnvelope | undefined = job; message; ) {
      gateway.bus.sent.length = 0;
      await run(gateway, message);
      const next = gateway.bus.sent.at(-1)?.message;
      if (next) await gateway.clock.advance(Number(next.scheduledAt) - gateway.clock.now());
      message = next?.body as RequestEnvelope | undefined;
    }
    expect(gateway.clock.now()).toBeGreaterThan(job.expiresAt - 1000);
    const { length } = gateway.backends.calls;
    expect(length).toBeGreaterThan(job.maxAttempts);
    expect(length).toBeLessThan(50);
    expect((await gateway.services.jobs?.store.read("job-1"))?.history).toHaveLength(1);
  });

  it("is to be repeated when one backend rests and another failed", async () => {
    const { gateway, job } = await open(TWO);
    const engine = fakeEngine();
    gateway.backends.answer(429, "busy", [["retry-after", "7"]]);
    gateway.backends.answer(500, "broken");
    await run(gateway, job, { engine });
    expect(gateway.backends.calls).toHaveLength(2);
    expect(engine.signal).toHaveBeenCalledExactlyOnceWith(
      "job-1",
      expect.objectContaining({ attempt: 1, isFinal: false }),
    );
  });

  it("is to be repeated when a rest is longer than it lives, so that its end comes as an end", async () => {
    const { gateway, job } = await open();
    const engine = fakeEngine();
    gateway.backends.answer(429, "busy", [["retry-after", "70"]]);
    await run(gateway, job, { engine });
    expect(engine.signal).toHaveBeenCalledExactlyOnceWith("job-1", {
      ...{ attempt: 1, isFinal: false, retryAfterMs: 70_000 },
    });
    expect(gateway.bus.sent).toEqual([]);
  });
});
