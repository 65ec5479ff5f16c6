import { describe, expect, it } from "vitest";
import {
  acceptBatch,
  advanceBatch,
  finishBatch,
  readJob,
} from "../../../../shared/gateway/index.ts";
import { FIRST_CURSOR } from "../../../../shared/jobs/index.ts";
import type { RequestEnvelope } from "../../../../shared/messaging/index.ts";
import { createGateway, fakeEngine, type TestGateway } from "../../../support/gateway.ts";
import { run } from "../../../support/lane-messages.ts";
import { bodyOf } from "../../../support/streams.ts";

const JSON_TYPE = [["content-type", "application/json"]] as const;
const ANSWER = JSON.stringify({
  model: "gpt-5",
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
});

/** A batch of so many lines that was accepted from a caller with limits, and the messages of its lines. */
async function accepted(lines: number, limits: Record<string, string>) {
  const made = createGateway({ Host1: "host=http://one.test;mode=direct;path=/", ...limits });
  const gateway = {
    ...made,
    services: { ...made.services, limits: { ...made.services.limits, ledger: undefined } },
  };
  const file = Array.from({ length: lines }, (_, n) =>
    JSON.stringify({ custom_id: `c${n}`, method: "POST", url: "/chat", body: { n } }),
  ).join("\n");
  const engine = fakeEngine();
  const query = { id: "", headers: [["S7PTTL", "600"]] as const, target: "/jobs/batch" };
  await acceptBatch(gateway.services, { ...query, engine, body: bodyOf(file) });
  const jobId = String(engine.start.mock.calls[0]?.[0]);
  await advanceBatch(gateway.services, { jobId, cursor: FIRST_CURSOR, isLate: false });
  gateway.backends.answer(200, ANSWER, JSON_TYPE);
  return { gateway, jobId, messages: sentBy(gateway).map(({ body }) => body as RequestEnvelope) };
}

const sentBy = ({ bus }: TestGateway) =>
  bus.sent
    .map(({ message }) => message)
    .filter(({ body }) => (body as RequestEnvelope).kind === "line");
const useOf = ({ services, clock }: TestGateway) =>
  services.limits.book.find("caller:defaultUser")?.local(clock.now());
const endsOf = ({ records }: TestGateway) => records.filter(({ kind }) => kind === "line");

describe("the lines of a batch", () => {
  it("claim their caller's limits, settle them by what they used, and are told once each", async () => {
    const { gateway, jobId, messages } = await accepted(2, {
      GATEWAY_LIMITS_TOKENS_PER_DAY: "1000",
    });
    for (const message of messages) {
      await run(gateway, message);
      await run(gateway, message, { deliveryCount: 2 });
    }
    expect(useOf(gateway)).toEqual({
      requestsInMinute: 2,
      tokensInMinute: 14,
      tokensToday: 14,
      concurrent: 0,
    });
    expect(endsOf(gateway)).toEqual(
      [0, 1].map((line) =>
        expect.objectContaining({
          event: "request.ended",
          requestId: `${jobId}-${line}`,
          user: "defaultUser",
          priority: 3,
          isAsync: true,
          status: 200,
          attempts: 1,
          backend: "Host1",
          model: "gpt-5",
          tokens: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
          usage: "reported",
        }),
      ),
    );
    await finishBatch(gateway.services, jobId);
    const query = { id: jobId, headers: [], target: `/jobs/${jobId}` };
    const { body } = await readJob(gateway.services, query);
    expect(JSON.parse(Buffer.from(body as Uint8Array).toString()).usage).toEqual({
      provenance: "reported",
      model: "gpt-5",
      tokens: { inputTokens: 6, outputTokens: 8, totalTokens: 14 },
    });
  });

  it("wait, one after the other, when the requests of a minute are used up, and none fails", async () => {
    const { gateway, jobId, messages } = await accepted(4, {
      GATEWAY_LIMITS_REQUESTS_PER_MINUTE: "2",
    });
    for (const message of messages) await run(gateway, message);
    expect(gateway.backends.calls).toHaveLength(2);
    const waiting = sentBy(gateway).slice(messages.length);
    const startedAt = gateway.clock.now();
    const gaps = waiting.map(({ scheduledAt = 0 }) => scheduledAt - startedAt);
    expect(gaps[0]).toBeGreaterThan(50_000);
    expect((gaps[1] ?? 0) - (gaps[0] ?? 0)).toBe(30_000);
    expect(waiting.map(({ body }) => (body as RequestEnvelope).attempt)).toEqual([1, 1]);
    for (const { body, scheduledAt = 0 } of waiting) {
      await gateway.clock.advance(scheduledAt - gateway.clock.now());
      await run(gateway, body);
    }
    await finishBatch(gateway.services, jobId);
    const files = (await gateway.services.jobs?.store.read(jobId))?.files;
    expect([gateway.backends.calls.length, files?.errors.sizeBytes]).toEqual([4, 0]);
  });

  it("hold a place among their caller's concurrent requests only while they run", async () => {
    const { gateway, messages } = await accepted(2, { GATEWAY_LIMITS_CONCURRENT: "1" });
    const [first, second] = messages;
    gateway.backends.answers.length = 0;
    gateway.backends.silence();
    const running = run(gateway, first);
    await expect.poll(() => gateway.backends.calls.length, { timeout: 20_000 }).toBe(1);
    await run(gateway, second);
    expect(gateway.backends.calls).toHaveLength(1);
    const again = sentBy(gateway).at(-1);
    expect(again?.body).toMatchObject({ id: second?.id, attempt: 1 });
    await gateway.clock.advance(600_000);
    await running;
    expect(useOf(gateway)?.concurrent).toBe(0);
  });

  it("give back what they claimed when nobody served them", async () => {
    const { gateway, messages } = await accepted(1, { GATEWAY_LIMITS_TOKENS_PER_DAY: "1000" });
    gateway.backends.answers.length = 0;
    gateway.backends.answer(503, "busy");
    await run(gateway, messages[0]);
    expect(useOf(gateway)).toMatchObject({ requestsInMinute: 0, tokensToday: 0, concurrent: 0 });
    expect(endsOf(gateway)).toEqual([]);
  });

  it("fail only where they alone are more than the limit will ever allow", async () => {
    const { gateway, messages } = await accepted(1, { GATEWAY_LIMITS_TOKENS_PER_MINUTE: "1" });
    await run(gateway, messages[0]);
    expect(gateway.backends.calls).toEqual([]);
    expect(endsOf(gateway)).toMatchObject([{ code: "limit-too-small", attempts: 0 }]);
  });
});
