import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  acceptBatch,
  advanceBatch,
  finishBatch,
  readJob,
} from "../../../../shared/gateway/index.ts";
import { FIRST_CURSOR } from "../../../../shared/jobs/index.ts";
import type { RequestEnvelope } from "../../../../shared/messaging/index.ts";
import { createGateway, fakeEngine, type TestGateway } from "../../../support/gateway.ts";
import { askedToWait, run, standardLane } from "../../../support/lane-messages.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

const JSON_TYPE = [["content-type", "application/json"]] as const;

/** A batch of so many lines that was accepted, and the messages of its lines. */
async function accepted(lines: number) {
  const gateway = createGateway({ Host1: "host=http://one.test;mode=direct;path=/" });
  const file = Array.from({ length: lines }, (_, n) =>
    JSON.stringify({ custom_id: `c${n}`, method: "POST", url: "/chat", body: { n } }),
  ).join("\n");
  const engine = fakeEngine();
  const query = { id: "", headers: [["S7PTTL", "600"]] as const, target: "/jobs/batch" };
  const response = await acceptBatch(gateway.services, { ...query, engine, body: bodyOf(file) });
  expect(response.status).toBe(202);
  const jobId = String(engine.start.mock.calls[0]?.[0]);
  const { links } = JSON.parse(await textOf(response.body));
  const cursor = await advanceBatch(gateway.services, {
    jobId,
    cursor: FIRST_CURSOR,
    isLate: false,
  });
  return { gateway, jobId, cursor, links, messages: messagesOf(gateway) };
}

const messagesOf = ({ bus }: TestGateway): RequestEnvelope[] =>
  bus.sent
    .map(({ message }) => message.body as RequestEnvelope)
    .filter(({ kind }) => kind === "line");

async function files({ services, results }: TestGateway, jobId: string) {
  const snapshot = await services.jobs?.store.read(jobId);
  const textOf = (blob: string | undefined) =>
    (results.blobs.get(blob ?? "")?.toString() ?? "").split("\n").filter(Boolean);
  return {
    state: snapshot?.outcome?.state,
    output: textOf(snapshot?.files?.output.blob).map((line) => JSON.parse(line)),
    errors: textOf(snapshot?.files?.errors.blob).map((line) => JSON.parse(line)),
  };
}

describe("a batch", () => {
  it("says where its files will be, from the first answer on", async () => {
    const { gateway, jobId, links } = await accepted(1);
    const self = `/jobs/${jobId}`;
    const files = { result: `${self}/result`, errors: `${self}/errors` };
    expect(links).toEqual({ self, events: `${self}/events`, ...files });
    const query = { id: jobId, headers: [], target: self };
    const { body } = await readJob(gateway.services, query);
    expect(JSON.parse(await textOf(body))).toMatchObject({ links });
  });

  it("runs each line once, however often it is delivered, and tells them in order", async () => {
    const { gateway, jobId, cursor, messages } = await accepted(3);
    expect(messages.map(({ target, headers }) => [target, headers.at(-1)])).toEqual(
      Array(3).fill(["/chat", ["content-type", "application/json"]]),
    );
    gateway.backends.answer(200, '{"a":1}', JSON_TYPE);
    for (const message of messages.toReversed()) {
      await run(gateway, message);
      await run(gateway, message, { deliveryCount: 2 });
    }
    expect(gateway.backends.calls).toHaveLength(3);
    const seen = await advanceBatch(gateway.services, { jobId, cursor, isLate: false });
    expect([seen.isOver, seen.progress]).toEqual([true, { completed: 3, failed: 0 }]);
    await finishBatch(gateway.services, jobId);
    const { state, output, errors } = await files(gateway, jobId);
    expect([state, errors]).toEqual(["succeeded", []]);
    expect(output.map((line) => line.custom_id)).toEqual(["c0", "c1", "c2"]);
  });

  it("lets a line wait for backends that ask for it, as often as they do", async () => {
    const { gateway, jobId, messages } = await accepted(1);
    const rounds = (messages[0]?.maxAttempts ?? 0) + 2;
    const message = await askedToWait(gateway, messages[0], rounds);
    gateway.backends.answers.length = 0;
    gateway.backends.answer(200, '{"a":1}', JSON_TYPE);
    await run(gateway, message);
    await finishBatch(gateway.services, jobId);
    expect(await files(gateway, jobId)).toMatchObject({
      output: [{ custom_id: "c0" }],
      errors: [],
    });
  });

  it("lets a line wait a rest out that its backends ask for, as often as they do", async () => {
    const { gateway, jobId, messages } = await accepted(1);
    let message = messages[0];
    for (let round = 0; round < (messages[0]?.maxAttempts ?? 0) + 2; round++) {
      gateway.backends.answers.length = 0;
      gateway.backends.answer(429, "busy", [["retry-after", "7"]]);
      await run(gateway, message);
      const again = gateway.bus.sent.at(-1)?.message;
      const waitMs = Number(again?.scheduledAt) - gateway.clock.now();
      expect(waitMs).toBeGreaterThanOrEqual(7000);
      expect(again).toMatchObject({ body: { attempt: 1 } });
      message = again?.body as RequestEnvelope;
      await gateway.clock.advance(waitMs);
    }
    gateway.backends.answers.length = 0;
    gateway.backends.answer(200, '{"a":1}', JSON_TYPE);
    await run(gateway, message);
    await finishBatch(gateway.services, jobId);
    expect((await files(gateway, jobId)).output).toHaveLength(1);
  });

  it("repeats a line later whose backend failed, without a worker that waits", async () => {
    const { gateway, jobId, messages } = await accepted(1);
    gateway.backends.answer(503, "busy", [["retry-after", "7"]]);
    await run(gateway, messages[0]);
    const again = gateway.bus.sent.at(-1)?.message;
    const scheduledAt = gateway.clock.now() + 7000;
    expect(again).toMatchObject({ scheduledAt, body: { attempt: 2 } });
    await gateway.clock.advance(7000);
    gateway.backends.answers.length = 0;
    gateway.backends.answer(200);
    await run(gateway, again?.body);
    await finishBatch(gateway.services, jobId);
    expect((await files(gateway, jobId)).output).toHaveLength(1);
  });

  it("has what it could not have in its error file", async () => {
    const { gateway, jobId, messages } = await accepted(3);
    const [refused, broken, poisoned] = messages;
    gateway.backends.answer(422, "wrong");
    await run(gateway, refused);
    gateway.backends.answers.length = 0;
    gateway.backends.refuse();
    await run(gateway, broken && { ...broken, attempt: broken.maxAttempts });
    gateway.backends.answers.length = 0;
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("connection reset");
    }
    gateway.backends.answer(200, breaking());
    const { maxDeliveryCount: deliveryCount } = standardLane(gateway);
    await expect(run(gateway, poisoned, { deliveryCount })).rejects.toThrow();
    await finishBatch(gateway.services, jobId);
    const { state, errors } = await files(gateway, jobId);
    expect(state).toBe("succeeded");
    expect(errors.map(({ response, error }) => response?.status_code ?? error.code)).toEqual([
      422,
      "backend-failed",
      "delivery-failed",
    ]);
    expect(JSON.stringify(errors)).not.toContain("one.test");
  });

  it("keeps what is done when it is cancelled, and begins nothing after that", async () => {
    const { gateway, jobId, cursor, messages } = await accepted(2);
    gateway.backends.answer(200, "{}", JSON_TYPE);
    await run(gateway, messages[0]);
    const outcome = { state: "cancelled", endedAt: 1, attempt: 1 } as const;
    await gateway.services.jobs?.store.commitOutcome(jobId, outcome);
    await run(gateway, messages[1]);
    expect(gateway.backends.calls).toHaveLength(1);
    expect((await advanceBatch(gateway.services, { jobId, cursor, isLate: false })).isOver).toBe(
      true,
    );
    await finishBatch(gateway.services, jobId);
    const { state, output, errors } = await files(gateway, jobId);
    expect([state, output.length]).toEqual(["cancelled", 1]);
    expect(errors).toMatchObject([{ custom_id: "c1", error: { code: "batch_cancelled" } }]);
  });

  it("has each line in one file, also one that ends late, while the files are written", async () => {
    const { gateway, jobId, messages } = await accepted(2);
    const { jobs } = gateway.services;
    gateway.backends.answer(200, '{"a":1}', JSON_TYPE);
    await run(gateway, messages[0]);
    await jobs?.store.commitOutcome(jobId, { state: "cancelled", endedAt: 1, attempt: 1 });
    const write = gateway.results.writeStream.bind(gateway.results);
    gateway.results.writeStream = async (name, body) => {
      const sizeBytes = await write(name, body);
      const late = { line: 1, isOk: true, output: '{"custom_id":"c1"}' };
      await jobs?.batches.insert({ jobId, piece: 0, line: 1 }, late);
      return sizeBytes;
    };
    await finishBatch(gateway.services, jobId);
    const { output, errors } = await files(gateway, jobId);
    expect(output.map(({ custom_id }) => custom_id)).toEqual(["c0"]);
    expect(errors).toMatchObject([{ custom_id: "c1", error: { code: "batch_cancelled" } }]);
  });

  it("ends though the process died between its files and its end", async () => {
    const { gateway, jobId, messages } = await accepted(1);
    gateway.backends.answer(200, "{}", JSON_TYPE);
    await run(gateway, messages[0]);
    const { jobs } = gateway.services;
    if (!jobs) throw new Error("There are no jobs.");
    const { commitOutcome } = jobs.store;
    jobs.store.commitOutcome = () => Promise.reject(new Error("killed"));
    await expect(finishBatch(gateway.services, jobId)).rejects.toThrow("killed");
    jobs.store.commitOutcome = commitOutcome;
    const before = (await jobs.store.read(jobId))?.files;
    await finishBatch(gateway.services, jobId);
    const snapshot = await jobs.store.read(jobId);
    expect([snapshot?.outcome?.state, snapshot?.files]).toEqual(["succeeded", before]);
  });

  it("leaves nothing behind of a file that was refused", async () => {
    const gateway = createGateway({ GATEWAY_BATCH_MAX_LINES: "150" });
    const file = Array.from({ length: 151 }, (_, n) =>
      JSON.stringify({ custom_id: `c${n}`, method: "POST", url: "/chat", body: {} }),
    ).join("\n");
    const query = { id: "", headers: [], target: "/jobs/batch", engine: fakeEngine() };
    await expect(
      acceptBatch(gateway.services, { ...query, body: bodyOf(file) }),
    ).rejects.toMatchObject({ code: "request-too-large" });
    expect([gateway.results.blobs.size, query.engine.start.mock.calls]).toEqual([0, []]);
  });

  it("is refused for a user whose profile allows no jobs, before a line of it is read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-batch-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const profiles = join(folder, "profiles.json");
    writeFileSync(profiles, JSON.stringify([{ userId: "bob" }]));
    const gateway = createGateway({ UseProfiles: "true", UserConfigUrl: `file:${profiles}` });
    const query = { id: "", headers: [["X-UserProfile", "bob"]] as const, target: "/jobs/batch" };
    const body = bodyOf("no line");
    await expect(
      acceptBatch(gateway.services, { ...query, engine: fakeEngine(), body }),
    ).rejects.toMatchObject({ code: "jobs-not-allowed" });
  });
});
