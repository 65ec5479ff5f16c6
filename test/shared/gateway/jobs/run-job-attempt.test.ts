import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import type { RequestEnvelope } from "../../../../shared/messaging/index.ts";
import { stallingBody } from "../../../support/fake-backends.ts";
import { createGateway, fakeEngine, type TestGateway } from "../../../support/gateway.ts";
import { acceptedJob, run, standardLane } from "../../../support/lane-messages.ts";
import { bodyOf } from "../../../support/streams.ts";

const outcomeOf = async ({ services }: TestGateway) =>
  (await services.jobs?.store.read("job-1"))?.outcome;

async function open(): Promise<{ gateway: TestGateway; job: RequestEnvelope }> {
  const gateway = createGateway();
  return { gateway, job: await acceptedJob(gateway) };
}

const FINAL = { attempt: 1, isFinal: true };

describe("an attempt of a job", () => {
  it("keeps the answer, commits the outcome, and only then tells the engine", async () => {
    const { gateway, job } = await open();
    const engine = fakeEngine();
    gateway.backends.answer(200, "answer", [["X-A", "1"]]);
    engine.signal.mockImplementation(async () => {
      expect(await outcomeOf(gateway)).toBeDefined();
    });
    await run(gateway, job, { engine });
    const outcome = await outcomeOf(gateway);
    expect(outcome).toMatchObject({
      state: "succeeded",
      attempt: 1,
      result: { status: 200, headers: [["X-A", "1"]], sizeBytes: 6 },
    });
    expect(gateway.results.blobs.get(outcome?.result?.blob ?? "")?.toString()).toBe("answer");
    expect(engine.signal).toHaveBeenCalledExactlyOnceWith("job-1", FINAL);
  });

  it("fails the job with a backend's verdict on the request, which the caller may read", async () => {
    const { gateway, job } = await open();
    gateway.backends.answer(422, "wrong");
    await run(gateway, job);
    expect(await outcomeOf(gateway)).toMatchObject({ state: "failed", result: { status: 422 } });
  });

  it("is repeated when the answer to a stream is no stream, and breaks off while it is kept", async () => {
    const gateway = createGateway();
    const job = await acceptedJob(gateway, '{"stream":true}');
    gateway.backends.answers.push(() => ({
      status: 200,
      headers: [],
      body: (async function* () {
        yield Buffer.from("half");
        throw new BackendFailure("reset", "other side closed", { mayHaveBegun: true });
      })(),
      discard: () => {},
    }));
    await run(gateway, job);
    const snapshot = await gateway.services.jobs?.store.read("job-1");
    expect(snapshot?.history[0]?.end).toMatchObject({ reason: "backend-failed" });
    expect(gateway.results.blobs.size).toBe(0);
  });

  it("is run once, however often it is delivered: a later delivery only tells the engine again", async () => {
    const { gateway, job } = await open();
    const engine = fakeEngine();
    gateway.backends.answer(200);
    await run(gateway, job, { engine });
    await run(gateway, job, { engine, deliveryCount: 2 });
    expect(gateway.backends.calls).toHaveLength(1);
    expect(engine.signal.mock.calls).toEqual([
      ["job-1", FINAL],
      ["job-1", FINAL],
    ]);
  });

  it("leaves the outcome of whoever commits first, and removes the bytes of the other", async () => {
    const { gateway, job } = await open();
    const engine = fakeEngine();
    gateway.backends.answer(200, "first or second");
    gateway.backends.answer(200, "second or first");
    await Promise.all([run(gateway, job, { engine }), run(gateway, job, { engine })]);
    const blob = (await outcomeOf(gateway))?.result?.blob ?? "";
    expect([...gateway.results.blobs.keys()]).toEqual([blob]);
    expect(gateway.results.removed).toHaveLength(1);
    expect(engine.signal).toHaveBeenCalledTimes(2);
  });

  it("loses to an expiry that was committed first", async () => {
    const { gateway, job } = await open();
    gateway.backends.answers.push(async () => {
      const expired = { state: "expired", endedAt: 1, attempt: 1 } as const;
      await gateway.services.jobs?.store.commitOutcome("job-1", expired);
      return { status: 200, headers: [], body: bodyOf("late"), discard: () => {} };
    });
    await run(gateway, job);
    expect(await outcomeOf(gateway)).toMatchObject({ state: "expired" });
    expect(gateway.results.blobs.size).toBe(0);
  });

  it.each([
    [429, [] as const, 500],
    [503, [["retry-after", "7"]] as const, 7000],
    [503, [["retry-after-ms", "250"]] as const, 250],
  ])(
    "is to be repeated after a %d with %j in %d ms, and leaves nothing behind",
    async (status, headers, retryAfterMs) => {
      const { gateway, job } = await open();
      const engine = fakeEngine();
      gateway.backends.answer(status, "busy", headers);
      await run(gateway, job, { engine });
      expect(await outcomeOf(gateway)).toBeUndefined();
      expect(engine.signal).toHaveBeenCalledExactlyOnceWith("job-1", {
        attempt: 1,
        isFinal: false,
        retryAfterMs,
      });
      expect(gateway.results.blobs.size).toBe(0);
      expect(gateway.backends.discarded).toBe(1);
    },
  );

  it("tells the same wait again when it is delivered again", async () => {
    const { gateway, job } = await open();
    const engine = fakeEngine();
    gateway.backends.answer(503, "busy", [["retry-after", "7"]]);
    await run(gateway, job, { engine });
    await run(gateway, job, { engine });
    expect(gateway.backends.calls).toHaveLength(1);
    expect(engine.signal.mock.calls[1]).toEqual(engine.signal.mock.calls[0]);
  });

  it("keeps even a 429 when there is no further attempt", async () => {
    const { gateway, job } = await open();
    gateway.backends.answer(429, "busy");
    await run(gateway, { ...job, attempt: job.maxAttempts });
    expect(await outcomeOf(gateway)).toMatchObject({ state: "failed", result: { status: 429 } });
  });

  it("is to be repeated when no backend could be reached, and fails in the end", async () => {
    const { gateway, job } = await open();
    gateway.backends.refuse();
    const engine = fakeEngine();
    await run(gateway, job, { engine });
    expect(engine.signal).toHaveBeenCalledWith(
      "job-1",
      expect.objectContaining({ isFinal: false }),
    );
    await run(gateway, { ...job, attempt: job.maxAttempts }, { engine });
    const outcome = await outcomeOf(gateway);
    expect(outcome).toMatchObject({ state: "failed", error: { code: "backend-failed" } });
    expect(JSON.stringify(outcome)).not.toContain("backend-1");
  });

  it("returns to its lane when the answer breaks off", async () => {
    const { gateway, job } = await open();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("connection reset");
    }
    gateway.backends.answer(200, broken());
    await expect(run(gateway, job)).rejects.toThrow();
    expect(await outcomeOf(gateway)).toBeUndefined();
    expect(gateway.backends.discarded).toBe(1);
    expect(gateway.services.slots.running).toBe(0);
  });

  it("fails the job before its last delivery goes to the dead letters", async () => {
    const { gateway, job } = await open();
    const engine = fakeEngine();
    const lost = { ...job, body: { blob: "jobs/job-1/lost", sizeBytes: 1 } };
    const { maxDeliveryCount } = standardLane(gateway);
    await expect(run(gateway, lost, { engine, deliveryCount: maxDeliveryCount })).rejects.toThrow();
    expect(await outcomeOf(gateway)).toMatchObject({
      state: "failed",
      error: { code: "delivery-failed" },
    });
    expect(engine.signal).toHaveBeenCalledExactlyOnceWith("job-1", FINAL);
  });

  it("stands though the engine cannot be told: the engine will look for itself", async () => {
    const { gateway, job } = await open();
    const engine = fakeEngine();
    engine.signal.mockRejectedValue(new Error("engine is away"));
    gateway.backends.answer(200);
    await run(gateway, job, { engine });
    expect(await outcomeOf(gateway)).toMatchObject({ state: "succeeded" });
    expect(gateway.events).toMatchObject([{ event: "job.signal.failed", jobId: "job-1" }]);
  });

  it("gives up a body that outlasts the job", async () => {
    const { gateway, job } = await open();
    const { body, discard } = stallingBody();
    gateway.backends.answers.push(() => ({ status: 200, headers: [], body, discard }));
    const running = run(gateway, job);
    await gateway.clock.advance(60_000);
    await running;
    expect(await outcomeOf(gateway)).toBeUndefined();
    expect([gateway.services.slots.running, gateway.clock.pending]).toEqual([0, 0]);
  });
});
