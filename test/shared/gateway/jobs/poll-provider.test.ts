import { describe, expect, it } from "vitest";
import { type PollRef, pollProvider, releaseProvider } from "../../../../shared/gateway/index.ts";
import { endJob } from "../../../../shared/gateway/jobs/job-transitions.ts";
import { createGateway, fakeEngine, type TestGateway } from "../../../support/gateway.ts";
import { acceptedJob, run } from "../../../support/lane-messages.ts";

const JSON_TYPE = [["content-type", "application/json"]] as const;
const response = (status: string): string =>
  JSON.stringify({ id: "resp_1", object: "response", background: true, status }, null, 2);
const REF: PollRef = { jobId: "job-1", attempt: 1, isLast: false };

/** A gateway whose one job a provider has taken over. */
async function handedOver(
  status = 200,
  headers: readonly (readonly [string, string])[] = JSON_TYPE,
  body = response("queued"),
) {
  const gateway = createGateway({ Host1: "host=http://one.test;mode=direct;path=/" });
  const job = await acceptedJob(gateway);
  const engine = fakeEngine();
  gateway.backends.answer(status, body, headers);
  await run(gateway, job, { engine });
  gateway.backends.answers.length = 0;
  return { gateway, job, engine };
}

const stateOf = async ({ services }: TestGateway) => services.jobs?.store.read("job-1");

describe("work that a provider has taken over", () => {
  it("is noted and told, and holds no slot", async () => {
    const { gateway, engine } = await handedOver();
    expect(engine.signal).toHaveBeenCalledExactlyOnceWith("job-1", {
      attempt: 1,
      isFinal: false,
      isHandedOver: true,
    });
    const snapshot = await stateOf(gateway);
    expect(snapshot?.provider).toMatchObject({
      kind: "response",
      poll: { target: "/chat/resp_1?x=%2F" },
    });
    expect([snapshot?.outcome, gateway.services.slots.running]).toEqual([undefined, 0]);
    const log = await gateway.services.jobs?.eventLog.read("job-1");
    expect(log?.events.map(({ status }) => status)).toContain("BackgroundRequestSubmitted");
  });

  it("is not begun again when its message is delivered again", async () => {
    const { gateway, job, engine } = await handedOver();
    await run(gateway, job, { engine, deliveryCount: 2 });
    expect(gateway.backends.calls).toHaveLength(1);
    expect(engine.signal).toHaveBeenCalledTimes(2);
  });

  it("is asked for without a body, and its last answer is the result", async () => {
    const { gateway } = await handedOver();
    gateway.backends.answer(200, response("in_progress"), [...JSON_TYPE, ["retry-after", "9"]]);
    gateway.backends.answer(200, response("completed"), JSON_TYPE);
    expect(await pollProvider(gateway.services, REF)).toEqual({
      isFinal: false,
      retryAfterMs: 9000,
    });
    expect(await pollProvider(gateway.services, REF)).toEqual({ isFinal: true });
    expect(await pollProvider(gateway.services, REF)).toEqual({ isFinal: true });
    const polls = gateway.backends.calls.slice(1);
    expect(polls.map(({ method, target, body }) => [method, target, body])).toEqual([
      ["GET", "/chat/resp_1?x=%2F", undefined],
      ["GET", "/chat/resp_1?x=%2F", undefined],
    ]);
    const { outcome } = (await stateOf(gateway)) ?? {};
    expect(outcome).toMatchObject({ state: "succeeded", result: { status: 200 } });
    const kept = gateway.results.blobs.get(outcome?.result?.blob ?? "");
    expect(kept?.toString()).toBe(response("completed"));
  });

  it("tells of its use by the name by which every look at it does, and so counts once", async () => {
    const told = { created_at: 1_700_000_000, usage: { input_tokens: 7, output_tokens: 3 } };
    const shown = (status: string): string =>
      JSON.stringify({ ...(JSON.parse(response(status)) as object), ...told });
    const { gateway } = await handedOver(200, JSON_TYPE, shown("queued"));
    gateway.backends.answer(200, shown("completed"), JSON_TYPE);
    expect(await pollProvider(gateway.services, REF)).toEqual({ isFinal: true });
    expect(gateway.uses).toMatchObject([
      { id: "begun-resp_1", work: "resp_1", tokens: undefined },
      { id: "background-resp_1", work: "resp_1", tokens: { totalTokens: 10 } },
    ]);
    for (const { endedAt } of gateway.uses) expect(endedAt).toBe(1_700_000_000_000);
  });

  it("goes on while its provider is away, and asks again", async () => {
    const { gateway } = await handedOver();
    gateway.backends.refuse();
    expect(await pollProvider(gateway.services, REF)).toEqual({ isFinal: false });
    expect(gateway.events).toMatchObject([{ event: "job.poll.failed", jobId: "job-1" }]);
    gateway.backends.answers.length = 0;
    gateway.backends.answer(503);
    expect(await pollProvider(gateway.services, REF)).toEqual({ isFinal: false });
    expect((await stateOf(gateway))?.outcome).toBeUndefined();
  });

  it("fails with the provider's own words when that refuses to the last", async () => {
    const { gateway } = await handedOver();
    gateway.backends.answer(404, "gone");
    expect(await pollProvider(gateway.services, REF)).toEqual({ isFinal: false, isRefused: true });
    expect(await pollProvider(gateway.services, { ...REF, isLast: true })).toEqual({
      isFinal: true,
    });
    expect((await stateOf(gateway))?.outcome).toMatchObject({
      state: "failed",
      result: { status: 404 },
    });
  });

  it("fetches an operation's result where that is, and nowhere else", async () => {
    for (const [location, calls] of [
      ["http://one.test/results/1", 3],
      ["http://evil.test/results/1", 2],
    ] as const) {
      const headers = [["Operation-Location", "http://one.test/operations/1?v=1"]] as const;
      const { gateway } = await handedOver(202, headers, "");
      const said = JSON.stringify({ status: "Succeeded", resourceLocation: location });
      gateway.backends.answer(200, said, JSON_TYPE);
      gateway.backends.answer(200, "the result");
      expect(await pollProvider(gateway.services, REF)).toEqual({ isFinal: true });
      expect(gateway.backends.calls).toHaveLength(calls);
      const { outcome } = (await stateOf(gateway)) ?? {};
      const kept = gateway.results.blobs.get(outcome?.result?.blob ?? "")?.toString();
      expect(kept).toBe(calls === 3 ? "the result" : said);
    }
  });

  it("keeps an accepted operation of another host as the answer that it is", async () => {
    const headers = [["Operation-Location", "http://evil.test/operations/1"]] as const;
    const { gateway } = await handedOver(202, headers, "");
    expect(await stateOf(gateway)).toMatchObject({
      provider: undefined,
      outcome: { state: "succeeded", result: { status: 202 } },
    });
  });

  it.each([
    ["response", "POST", "/chat/resp_1/cancel?x=%2F"],
    ["operation", "DELETE", "/operations/1?v=1"],
  ])("is stopped when its job is cancelled: %s", async (kind, method, target) => {
    const headers = [["Operation-Location", "/operations/1?v=1"]] as const;
    const { gateway } =
      kind === "response" ? await handedOver() : await handedOver(202, headers, "");
    const { services } = gateway;
    if (!services.jobs) throw new Error("There are no jobs.");
    expect(await releaseProvider(services, "job-1")).toBe(true);
    expect(gateway.backends.calls).toHaveLength(1);
    const outcome = { state: "cancelled", endedAt: 1, attempt: 1 } as const;
    await endJob({ services, jobs: services.jobs, jobId: "job-1" }, outcome);
    gateway.backends.answer(503);
    gateway.backends.answer(200);
    expect(await releaseProvider(services, "job-1")).toBe(false);
    expect(await releaseProvider(services, "job-1")).toBe(true);
    expect(gateway.backends.calls.at(-1)).toMatchObject({ method, target });
  });

  it("is to be stopped when a look finds that its job was cancelled, though no signal comes", async () => {
    const { gateway } = await handedOver();
    const outcome = { state: "cancelled", endedAt: 1, attempt: 1 } as const;
    await gateway.services.jobs?.store.commitOutcome("job-1", outcome);
    const report = await pollProvider(gateway.services, REF);
    expect(report).toEqual({ isFinal: true, isAbandoned: true });
    expect(gateway.backends.calls).toHaveLength(1);
  });

  it("is stopped by a repeated delivery when the one before died over a job that was cancelled", async () => {
    const { gateway, job } = await handedOver();
    const outcome = { state: "cancelled", endedAt: 1, attempt: 1 } as const;
    await gateway.services.jobs?.store.commitOutcome("job-1", outcome);
    gateway.backends.answer(200);
    await run(gateway, job, { deliveryCount: 2 });
    expect(gateway.backends.calls.at(-1)?.target).toBe("/chat/resp_1/cancel?x=%2F");
  });

  it("is stopped when its job ended before it was noted", async () => {
    const gateway = createGateway({ Host1: "host=http://one.test;mode=direct;path=/" });
    const job = await acceptedJob(gateway);
    gateway.backends.answers.push(async () => {
      const outcome = { state: "cancelled", endedAt: 1, attempt: 1 } as const;
      await gateway.services.jobs?.store.commitOutcome("job-1", outcome);
      async function* body() {
        yield Buffer.from(response("queued"));
      }
      return { status: 200, headers: JSON_TYPE, body: body(), discard: () => {} };
    });
    gateway.backends.answer(200);
    await run(gateway, job);
    expect(gateway.backends.calls.map(({ method }) => method)).toEqual(["POST", "POST"]);
    expect(gateway.backends.calls[1]?.target).toBe("/chat/resp_1/cancel?x=%2F");
  });
});
