import { describe, expect, it, vi } from "vitest";
import {
  handleRequest,
  pollProvider,
  readJob,
  settleEvents,
} from "../../../../shared/gateway/index.ts";
import { endJob } from "../../../../shared/gateway/jobs/job-transitions.ts";
import type { RequestEnvelope } from "../../../../shared/messaging/index.ts";
import {
  createGateway,
  fakeEngine,
  requestTo,
  type TestGateway,
} from "../../../support/gateway.ts";
import { acceptedJob, run } from "../../../support/lane-messages.ts";
import { bodyOf } from "../../../support/streams.ts";

const JSON_TYPE = [["content-type", "application/json"]] as const;
const SSE = [["content-type", "text/event-stream"]] as const;
const ANSWER = JSON.stringify({
  model: "gpt-5",
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
});
const TOKENS = { inputTokens: 3, outputTokens: 4, totalTokens: 7 };
const USED = { provenance: "reported", model: "gpt-5", tokens: TOKENS };
const ENV = {
  Host1: "host=http://one.test;mode=direct;path=/",
  GATEWAY_LIMITS_TOKENS_PER_DAY: "100000",
  GATEWAY_SYNC_MODE: "direct",
};

/** A gateway whose callers have limits. */
function open(env: Record<string, string> = {}): TestGateway {
  const gateway = createGateway({ ...ENV, ...env });
  const limits = { ...gateway.services.limits, ledger: undefined };
  return { ...gateway, services: { ...gateway.services, limits } };
}

const useOf = ({ services, clock }: TestGateway) =>
  services.limits.book.find("caller:defaultUser")?.local(clock.now());
const endsOf = ({ records }: TestGateway) =>
  records.filter(({ event, kind }) => event === "request.ended" && kind !== "accepted");
const viewOf = async ({ services }: TestGateway, id = "job-1") => {
  const { body } = await readJob(services, { id, headers: [], target: `/jobs/${id}` });
  return JSON.parse(Buffer.from(body as Uint8Array).toString());
};
const refOf = ({ services }: TestGateway, jobId = "job-1") => {
  const { jobs } = services;
  if (!jobs) throw new Error("There are no jobs.");
  return { services, jobs, jobId };
};

describe("what a job used", () => {
  it("is shown with its end, told once, and takes the place of what its request claimed", async () => {
    const gateway = open();
    const job = await acceptedJob(gateway, "x".repeat(400));
    expect(gateway.records.at(-1)).toMatchObject({ kind: "accepted", status: 202, isAsync: true });
    expect(gateway.records.at(-1)?.["usage"]).toBeUndefined();
    expect(useOf(gateway)).toMatchObject({ requestsInMinute: 1, tokensToday: 100, concurrent: 0 });
    gateway.backends.answer(200, ANSWER, JSON_TYPE);
    await gateway.clock.advance(500);
    await run(gateway, job);
    await run(gateway, job, { deliveryCount: 2 });
    await settleEvents(gateway.services, { jobId: "job-1", isLast: false });
    expect(useOf(gateway)).toMatchObject({
      requestsInMinute: 1,
      tokensInMinute: 7,
      tokensToday: 7,
    });
    expect((await viewOf(gateway)).usage).toEqual(USED);
    expect(endsOf(gateway)).toEqual([
      expect.objectContaining({
        requestId: "job-1",
        kind: "job",
        method: "POST",
        path: "/chat?x=%2F",
        user: "defaultUser",
        priority: 2,
        isAsync: true,
        status: 200,
        state: "succeeded",
        attempts: 1,
        backend: "Host1",
        waitMs: 500,
        totalMs: 500,
        model: "gpt-5",
        tokens: TOKENS,
        usage: "reported",
      }),
    ]);
  });

  it("is read from a stream as it is kept, whatever cuts it into pieces", async () => {
    const gateway = open();
    const job = await acceptedJob(gateway, '{"stream":true}');
    const text = `data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: ${ANSWER}\n\ndata: [DONE]\n\n`;
    gateway.backends.answer(200, bodyOf(...(text.match(/[\s\S]{1,7}/g) ?? [])), SSE);
    const running = run(gateway, job);
    while (!(await gateway.services.jobs?.store.hasEnded("job-1")))
      await gateway.clock.advance(200);
    await running;
    expect((await viewOf(gateway)).usage).toEqual(USED);
  });

  it("is read from the result that a provider gives in the end", async () => {
    const gateway = open();
    const job = await acceptedJob(gateway);
    const response = (status: string, rest = {}) =>
      JSON.stringify({ id: "resp_1", object: "response", background: true, status, ...rest });
    gateway.backends.answer(200, response("queued"), JSON_TYPE);
    gateway.backends.answer(200, response("in_progress"), JSON_TYPE);
    gateway.backends.answer(200, response("completed", JSON.parse(ANSWER)), JSON_TYPE);
    await run(gateway, job);
    const ref = { jobId: "job-1", attempt: 1, isLast: false };
    await pollProvider(gateway.services, ref);
    expect(endsOf(gateway)).toEqual([]);
    expect(await pollProvider(gateway.services, ref)).toEqual({ isFinal: true });
    expect((await viewOf(gateway)).usage).toEqual(USED);
    expect(endsOf(gateway)).toMatchObject([{ kind: "job", backend: "Host1", tokens: TOKENS }]);
    expect(useOf(gateway)?.tokensToday).toBe(7);
  });

  it("is entered by the orchestrator where whoever ended the job died before", async () => {
    const gateway = open();
    await acceptedJob(gateway);
    const outcome = { state: "succeeded", endedAt: 1, attempt: 1 } as const;
    const result = { status: 200, headers: [], blob: "b", sizeBytes: 1 };
    const usage = { provenance: "reported", tokens: { totalTokens: 9 } } as const;
    await refOf(gateway).jobs.store.commitOutcome("job-1", { ...outcome, result, usage });
    expect(endsOf(gateway)).toEqual([]);
    for (const isLast of [false, true]) {
      await settleEvents(gateway.services, { jobId: "job-1", isLast });
    }
    expect(endsOf(gateway)).toMatchObject([{ kind: "job", tokens: { totalTokens: 9 } }]);
    expect(useOf(gateway)?.tokensToday).toBe(9);
  });

  it("is corrected on whatever instance sees the end: all of them together hold what was used", async () => {
    const [holder, worker] = [open(), open()];
    const job = await acceptedJob(holder, "x".repeat(400));
    const { jobs } = holder.services;
    const start = vi.fn();
    const limits = { ...worker.services.limits, ledger: { start } as never };
    worker.backends.answer(200, ANSWER, JSON_TYPE);
    await run({ ...worker, services: { ...worker.services, jobs, limits } }, job);
    expect(start).toHaveBeenCalled();
    expect([useOf(holder)?.tokensToday, useOf(worker)?.tokensToday]).toEqual([100, -93]);
  });

  it("is given back where nobody served it, and is the prompt's where it was cut off", async () => {
    const cancelled = { state: "cancelled", endedAt: 1, attempt: 1 } as const;
    const waiting = open();
    await acceptedJob(waiting, "x".repeat(400));
    await endJob(refOf(waiting), cancelled);
    expect(useOf(waiting)).toMatchObject({ requestsInMinute: 0, tokensToday: 0 });
    const running = open();
    await acceptedJob(running, JSON.stringify({ messages: ["x ".repeat(187)] }));
    expect(useOf(running)).toMatchObject({ requestsInMinute: 1, tokensToday: 98 + 1024 });
    await refOf(running).jobs.store.recordStart("job-1", { attempt: 1, epoch: 0 }, 0);
    await endJob(refOf(running), cancelled);
    expect(useOf(running)).toMatchObject({ requestsInMinute: 1, tokensToday: 98 });
    const failed = open();
    const job: RequestEnvelope = await acceptedJob(failed, "x".repeat(400));
    failed.backends.refuse();
    await run(failed, { ...job, attempt: job.maxAttempts });
    expect(useOf(failed)).toMatchObject({ requestsInMinute: 0, tokensToday: 0 });
    expect(endsOf(failed)).toMatchObject([{ kind: "job", code: "backend-failed", isWhole: false }]);
  });

  it("is settled when a promoted answer ends, not when its 202 is sent", async () => {
    const gateway = open({ AsyncTriggerTimeout: "1000" });
    const held = Promise.withResolvers<void>();
    gateway.backends.answer(
      200,
      (async function* () {
        yield Buffer.from(ANSWER);
      })(),
      JSON_TYPE,
    );
    const answering = gateway.backends.answers[0];
    gateway.backends.answers[0] = async (call) => {
      await held.promise;
      if (!answering) throw new Error("No answer was prepared.");
      return answering(call);
    };
    const headers = [["S7PAsyncMode", "true"]] as const;
    const request = requestTo(gateway, { headers, body: "x".repeat(400) });
    const serving = handleRequest(gateway.services, request, fakeEngine());
    await expect.poll(() => gateway.backends.calls.length, { timeout: 20_000 }).toBe(1);
    await gateway.clock.advance(1000);
    expect((await serving).status).toBe(202);
    expect(useOf(gateway)?.tokensToday).toBe(100);
    held.resolve();
    await expect.poll(() => useOf(gateway)?.tokensToday, { timeout: 20_000 }).toBe(7);
    expect(endsOf(gateway)).toMatchObject([
      { requestId: "request-1", kind: "job", tokens: TOKENS },
    ]);
  });
});
