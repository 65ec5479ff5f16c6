import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { GatewayError } from "../../../../shared/core/errors.ts";
import { handleRequest, runSubmission } from "../../../../shared/gateway/index.ts";
import { readRequestEnvelope } from "../../../../shared/messaging/index.ts";
import {
  createGateway,
  fakeEngine,
  requestTo,
  type TestGateway,
} from "../../../support/gateway.ts";

const HOUR_MS = 3_600_000;
const SUBMISSION = { id: "order-1", user: "alice", path: "/chat", body: { question: "?" } };

const folder = mkdtempSync(join(tmpdir(), "gateway-submissions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function deliver(
  gateway: TestGateway,
  message: unknown,
  { engine = fakeEngine(), properties = {} } = {},
): Promise<void> {
  const now = gateway.clock.now();
  const facts = { messageId: "message-1", correlationId: "order", lockToken: "lock-1", properties };
  const times = { enqueuedAt: now, expiresAt: now + HOUR_MS };
  const { services } = gateway;
  const alone = { ...services, limits: { ...services.limits, ledger: undefined } };
  return runSubmission(alone, { message, ...facts, ...times }, engine);
}

const jobOf = async ({ services }: TestGateway, id = "order-1") =>
  (await services.jobs?.store.read(id))?.job;

async function envelopeOf(gateway: TestGateway) {
  return readRequestEnvelope((await jobOf(gateway))?.request);
}

describe("a submission", () => {
  it("becomes a job of its id and user, whose body is the sender's and in no template", async () => {
    const gateway = createGateway();
    const engine = fakeEngine();
    const now = gateway.clock.now();
    await deliver(gateway, { ...SUBMISSION, priority: 3, headers: { "X-A": "1" } }, { engine });
    expect(await jobOf(gateway)).toMatchObject({
      id: "order-1",
      owner: "alice",
      priority: 3,
      createdAt: now,
      expiresAt: now + 86_400_000,
    });
    const envelope = await envelopeOf(gateway);
    expect(envelope).toMatchObject({ method: "POST", target: "/chat", priority: 3 });
    expect(envelope.body).toEqual({ text: '{"question":"?"}' });
    expect(envelope.headers).toContainEqual(["X-A", "1"]);
    expect(engine.start).toHaveBeenCalledOnce();
    expect(gateway.bus.deadLetters).toEqual([]);
  });

  it("counts for the user it names, whatever its headers say", async () => {
    const gateway = createGateway();
    await deliver(gateway, { ...SUBMISSION, headers: { "x-userid": "mallory" } });
    expect((await jobOf(gateway))?.owner).toBe("alice");
  });

  it("is a job once, however often it comes: the first body that is stored stands", async () => {
    const gateway = createGateway();
    const engine = fakeEngine();
    engine.start.mockRejectedValueOnce(new GatewayError("storage-unavailable", "away"));
    await deliver(gateway, SUBMISSION, { engine });
    expect(gateway.bus.sent.map(({ queue }) => queue)).toEqual(["submissions"]);
    await deliver(gateway, SUBMISSION, { engine });
    await deliver(gateway, { ...SUBMISSION, body: "another" }, { engine });
    expect(engine.start).toHaveBeenCalledTimes(2);
    expect((await envelopeOf(gateway)).body).toEqual({ text: '{"question":"?"}' });
    const standing = await jobOf(gateway);
    await gateway.services.jobs?.store.commitOutcome("order-1", {
      state: "cancelled",
      endedAt: 1,
      attempt: 1,
    });
    await deliver(gateway, SUBMISSION, { engine });
    expect(engine.start).toHaveBeenCalledTimes(2);
    expect(await jobOf(gateway)).toEqual(standing);
  });

  it("keeps the large body it was accepted with when two of one id come at once", async () => {
    const gateway = createGateway({ GATEWAY_MESSAGING_INLINE_BYTES: "10" });
    const bodies = ["a".repeat(100), "b".repeat(100)];
    await Promise.all(bodies.map((body) => deliver(gateway, { ...SUBMISSION, body })));
    expect([...gateway.work.blobs.keys()]).toHaveLength(1);
    const { body } = await envelopeOf(gateway);
    const kept = gateway.work.blobs.get(body && "blob" in body ? body.blob : "");
    expect(bodies).toContain(kept?.toString());
  });

  it("is refused with an id that is another user's job", async () => {
    const gateway = createGateway();
    await deliver(gateway, SUBMISSION);
    await deliver(gateway, { ...SUBMISSION, user: "mallory" });
    expect(gateway.bus.deadLetters).toMatchObject([{ reason: "job-id-taken" }]);
    expect((await jobOf(gateway))?.owner).toBe("alice");
  });

  it("is refused with an id under which a request was answered", async () => {
    const gateway = createGateway();
    await gateway.services.jobs?.store.noteAnswered("order-1", 1);
    await deliver(gateway, SUBMISSION);
    expect(gateway.bus.deadLetters).toMatchObject([{ reason: "job-id-taken" }]);
  });

  it("is dead-lettered with what its sender can use when it cannot be read", async () => {
    const gateway = createGateway();
    await deliver(gateway, { id: "order-1", path: "/chat" });
    expect(gateway.bus.deadLetters).toEqual([
      {
        queue: "submissions",
        lockToken: "lock-1",
        reason: "invalid-submission",
        description: expect.stringContaining("user"),
      },
    ]);
    expect(await jobOf(gateway)).toBeUndefined();
  });

  it.each([
    ["is over", { S7PTTL: "2001-01-01T00:00:00Z" }, "ttl-expired"],
    ["cannot be read", { S7PTTL: "soon" }, "invalid-ttl"],
  ])("is refused when its time to live %s", async (_, headers, reason) => {
    const gateway = createGateway();
    await deliver(gateway, { ...SUBMISSION, headers });
    expect(gateway.bus.deadLetters).toMatchObject([{ reason }]);
  });

  it("comes again later, with its arrival, while its user's limit is used up, and is refused when it expires first", async () => {
    const gateway = createGateway({ GATEWAY_LIMITS_REQUESTS_PER_MINUTE: "1" });
    await deliver(gateway, SUBMISSION);
    const second = { ...SUBMISSION, id: "order-2" };
    await deliver(gateway, second);
    const copy = gateway.bus.sent.find(({ queue }) => queue === "submissions");
    expect(gateway.bus.deadLetters).toEqual([]);
    expect(copy).toMatchObject({
      queue: "submissions",
      message: {
        body: second,
        correlationId: "order",
        applicationProperties: { firstMessageId: "message-1", arrivedAt: gateway.clock.now() },
      },
    });
    expect(copy?.message.messageId).not.toBe("message-1");
    const arrivedAt = gateway.clock.now();
    await gateway.clock.advance(120_000);
    await deliver(gateway, second, { properties: { arrivedAt } });
    expect((await jobOf(gateway, "order-2"))?.createdAt).toBe(arrivedAt);
  });

  it("goes back to its queue when nothing else can be done with it", async () => {
    const gateway = createGateway();
    const engine = fakeEngine();
    engine.start.mockRejectedValue(new GatewayError("storage-unavailable", "away"));
    gateway.bus.sendError = new GatewayError("messaging-unavailable", "away");
    await expect(deliver(gateway, SUBMISSION, { engine })).rejects.toThrow("away");
  });
});

describe("a submission under profiles", () => {
  const profiles = join(folder, "profiles.json");
  const suspended = join(folder, "suspended.json");
  writeFileSync(
    profiles,
    JSON.stringify([
      {
        userId: "alice",
        "async-config": "enabled=true, containername=results-alice, topic=status-alice",
      },
      { userId: "bob" },
      {
        userId: "mallory",
        "async-config": "enabled=true, containername=results-mallory, topic=status-mallory",
      },
    ]),
  );
  writeFileSync(suspended, JSON.stringify([{ userId: "mallory" }]));
  const open = () =>
    createGateway({
      UseProfiles: "true",
      UserConfigUrl: `file:${profiles}`,
      SuspendedUserConfigUrl: `file:${suspended}`,
    });

  it("has its user's profile", async () => {
    const gateway = open();
    await deliver(gateway, SUBMISSION);
    expect(await jobOf(gateway)).toMatchObject({
      owner: "alice",
      results: { container: "results-alice" },
    });
  });

  it.each([
    ["nobody", "profile-not-found"],
    ["mallory", "user-suspended"],
    ["bob", "jobs-not-allowed"],
  ])("is refused for %s", async (user, reason) => {
    const gateway = open();
    await deliver(gateway, { ...SUBMISSION, user });
    expect(gateway.bus.deadLetters).toMatchObject([{ reason }]);
    expect(await jobOf(gateway)).toBeUndefined();
  });
});

it("an HTTP job's id is nobody else's", async () => {
  const gateway = createGateway();
  const headers = [["S7PAsyncMode", "true"]] as const;
  const request = requestTo(gateway, { id: "http-1", headers, body: "question" });
  await handleRequest(gateway.services, request, fakeEngine());
  await deliver(gateway, { ...SUBMISSION, id: "http-1" });
  expect(gateway.bus.deadLetters).toMatchObject([{ reason: "job-id-taken" }]);
});
