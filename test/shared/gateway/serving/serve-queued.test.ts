import { afterEach, describe, expect, it } from "vitest";
import { GatewayError } from "../../../../shared/core/errors.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { type RequestEnvelope, readRequestEnvelope } from "../../../../shared/messaging/index.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { listenerCount } from "../../../support/listener-count.ts";
import { textOf } from "../../../support/streams.ts";

const opened: TestGateway[] = [];

function open(env: Record<string, string> = {}): TestGateway {
  const gateway = createGateway({ GATEWAY_SYNC_MODE: "queued", ...env });
  opened.push(gateway);
  return gateway;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ replies }) => replies.close()));
});

/** Starts serving, and gives control back when the request waits in its lane. */
async function begin(gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) {
  const serving = handleRequest(gateway.services, requestTo(gateway, change), undefined);
  await gateway.clock.advance(0);
  return { serving };
}

const HEAVY = [["X-UserID", "heavy"]] as const;

const sentEnvelope = ({ bus }: TestGateway): RequestEnvelope =>
  readRequestEnvelope(bus.sent[0]?.message.body);

const replyWith = (change: object = {}) => ({
  requestId: "request-1",
  status: 200,
  headers: [["X-A", "1"]],
  ...change,
});

describe("a request that is served through its lane", () => {
  it("waits there with all that another process needs to run it", async () => {
    const gateway = open();
    const headers = [
      ["S7PPriorityKey", "12345"],
      ["S7PTTL", "60"],
    ] as const;
    await begin(gateway, { body: "question", headers });
    expect(gateway.bus.sent).toMatchObject([
      { queue: "lane-critical", message: { messageId: "request-1", timeToLiveMs: 60_000 } },
    ]);
    const now = gateway.clock.now();
    expect(sentEnvelope(gateway)).toMatchObject({
      kind: "request",
      id: "request-1",
      userId: "defaultUser",
      priority: 1,
      method: "POST",
      target: "/chat?x=%2F",
      body: { text: "question" },
      receivedAt: now,
      expiresAt: now + 60_000,
      replySession: "gateway-1",
    });
  });

  it("carries no credential in clear", async () => {
    const key = Buffer.alloc(32, 1).toString("base64");
    const gateway = open({ GATEWAY_CREDENTIAL_KEY: key });
    await begin(gateway, { headers: [["Authorization", "Bearer secret-7f3a"]] });
    expect(JSON.stringify(gateway.bus.sent)).not.toContain("secret-7f3a");
    expect(sentEnvelope(gateway).sealedHeaders).toBeDefined();
  });

  it("gets the reply that comes for it, byte for byte", async () => {
    const gateway = open();
    const { serving } = await begin(gateway);
    await gateway.bus.session.deliver(replyWith({ status: 201, body: { base64: "/wAB" } }));
    const { status, headers, body } = await serving;
    expect([status, headers]).toEqual([201, [["X-A", "1"]]]);
    expect(Buffer.from(body as Uint8Array).toString("hex")).toBe("ff0001");
    expect([gateway.replies.waiting, gateway.clock.pending]).toEqual([0, 1]);
    expect(gateway.services.fairShare.left.local()).toEqual([]);
  });

  it("is told how its time was spent, as its own clock has it (V75)", async () => {
    const gateway = open();
    const { serving } = await begin(gateway);
    await gateway.clock.advance(700);
    await gateway.bus.session.deliver(replyWith({ attempts: 2, processMs: 300 }));
    const { headers } = await serving;
    expect(headers).toEqual([
      ["X-A", "1"],
      ["x-S7P-ID", "request-1"],
      ["x-request-queue-duration", "400"],
      ["x-request-process-duration", "300"],
      ["x-attempts", "2"],
    ]);
  });

  it("gets a large reply out of its blob, which is removed", async () => {
    const gateway = open();
    await gateway.work.write("replies/1", Buffer.from("large"));
    const { serving } = await begin(gateway);
    await gateway.bus.session.deliver(replyWith({ body: { blob: "replies/1", sizeBytes: 5 } }));
    expect(await textOf((await serving).body)).toBe("large");
    expect(gateway.work.removed).toEqual(["replies/1"]);
  });

  it("is told an error, and no answer that breaks off, when a large reply is gone", async () => {
    const gateway = open();
    const { serving } = await begin(gateway);
    await gateway.bus.session.deliver(replyWith({ body: { blob: "replies/1", sizeBytes: 5 } }));
    expect((await serving).status).toBe(500);
  });

  it("leaves no large reply behind that it does not read", async () => {
    const gateway = open();
    await gateway.work.write("replies/1", Buffer.from("large"));
    const { serving } = await begin(gateway);
    await gateway.bus.session.deliver(replyWith({ body: { blob: "replies/1", sizeBytes: 5 } }));
    const { body } = await serving;
    if (!body || body instanceof Uint8Array) throw new Error("The reply was in memory.");
    await body[Symbol.asyncIterator]().return?.();
    expect(gateway.work.removed).toContain("replies/1");
  });

  it("sends a large body by blob", async () => {
    const gateway = open({ GATEWAY_MESSAGING_INLINE_BYTES: "10" });
    await begin(gateway, { body: "0123456789a" });
    expect(sentEnvelope(gateway).body).toEqual({ blob: "requests/request-1", sizeBytes: 11 });
    expect(gateway.work.blobs.get("requests/request-1")?.toString()).toBe("0123456789a");
  });

  it("answers HEAD without a body", async () => {
    const gateway = open();
    const { serving } = await begin(gateway, { method: "HEAD" });
    await gateway.bus.session.deliver(replyWith({ body: { text: "not for HEAD" } }));
    expect((await serving).body).toBeUndefined();
  });

  it("is answered at its deadline, and waits no longer", async () => {
    const gateway = open();
    const { serving } = await begin(gateway, { headers: [["S7PTTL", "5"]] });
    await gateway.clock.advance(5000);
    expect((await serving).status).toBe(412);
    expect(gateway.replies.waiting).toBe(0);
  });

  it("is answered at its deadline though the broker has not taken the message yet", async () => {
    const gateway = open();
    gateway.bus.send = () => new Promise(() => {});
    const { serving } = await begin(gateway, { headers: [["S7PTTL", "5"]] });
    await gateway.clock.advance(5000);
    expect((await serving).status).toBe(412);
  });

  it("ends at once when its client leaves, also while the message is being sent", async () => {
    for (const isSending of [true, false]) {
      const gateway = open();
      if (isSending) gateway.bus.send = () => new Promise(() => {});
      const leaving = new AbortController();
      const { serving } = await begin(gateway, { closed: leaving.signal });
      leaving.abort(new GatewayError("client-closed", "gone"));
      expect((await serving).status).toBe(499);
      expect(gateway.services.fairShare.left.local()).toEqual(["request-1"]);
      expect(gateway.replies.waiting).toBe(0);
      expect(gateway.events).toEqual([]);
    }
  });

  it("is answered when the broker cannot be reached, and waits no longer", async () => {
    const gateway = open();
    gateway.bus.sendError = new GatewayError("messaging-unavailable", "lane-standard is away", {
      retryAfterMs: 2000,
    });
    const { serving } = await begin(gateway);
    const { status, body } = await serving;
    expect(status).toBe(503);
    expect(await textOf(body)).not.toContain("lane-standard");
    expect(gateway.replies.waiting).toBe(0);
    expect(gateway.events).toMatchObject([{ event: "request.failed" }]);
  });

  it("is answered when its body cannot be stored", async () => {
    const gateway = open({ GATEWAY_MESSAGING_INLINE_BYTES: "1" });
    gateway.work.isAway = true;
    const { serving } = await begin(gateway, { body: "large" });
    expect((await serving).status).toBe(503);
    expect(gateway.bus.sent).toEqual([]);
  });

  it("goes to the class's other queue when its caller is over their share, and is told of its wait", async () => {
    const gateway = open({ Workers: "2" });
    await begin(gateway, { id: "other", headers: [["X-UserID", "other"]] });
    for (let n = 0; n < 4; n++) await begin(gateway, { id: `heavy-${n}`, headers: HEAVY });
    gateway.services.fairShare.book.ended(2, 1000);
    const { serving } = await begin(gateway, { headers: HEAVY });
    expect(gateway.bus.sent.at(-1)?.queue).toBe("lane-standard-over");
    await gateway.bus.session.deliver(replyWith());
    const { headers } = await serving;
    expect(headers).toContainEqual(["x-queue-position", "4"]);
    expect(headers).toContainEqual(["x-estimated-wait-ms", "2000"]);
    const again = await begin(gateway, { id: "other-2", headers: [["X-UserID", "other"]] });
    expect(gateway.bus.sent.at(-1)?.queue).toBe("lane-standard");
    await gateway.bus.session.deliver(replyWith({ requestId: "other-2" }));
    expect((await again.serving).status).toBe(200);
  });

  it("is refused at once when by the measured times its turn would come after its deadline", async () => {
    const gateway = open({ Workers: "2" });
    for (let n = 0; n < 8; n++) await begin(gateway, { id: `first-${n}` });
    gateway.services.fairShare.book.ended(2, 10_000);
    const sent = gateway.bus.sent.length;
    const ttl = (seconds: number) => [["S7PTTL", String(seconds)]] as const;
    // Seven begin before it, two at a time, for ten seconds each.
    const late = await begin(gateway, { id: "late", headers: ttl(34) });
    const { status, headers, body } = await late.serving;
    expect(status).toBe(429);
    expect(headers).toContainEqual(["retry-after", "1"]);
    expect(await textOf(body)).toContain("wait-too-long");
    expect([gateway.bus.sent.length, gateway.replies.waiting]).toEqual([sent, 8]);
    const inTime = await begin(gateway, { id: "in-time", headers: ttl(36) });
    expect(gateway.bus.sent).toHaveLength(sent + 1);
    await gateway.bus.session.deliver(replyWith({ requestId: "in-time" }));
    const answer = await inTime.serving;
    expect(answer.status).toBe(200);
    expect(answer.headers).toContainEqual(["x-estimated-wait-ms", "35000"]);
  });

  it("makes room in a full queue for a caller who holds less of it", async () => {
    const gateway = open({ MaxQueueLength: "3" });
    await begin(gateway, { id: "heavy-1", headers: HEAVY });
    await begin(gateway, { id: "heavy-2", headers: HEAVY });
    const newest = await begin(gateway, { id: "heavy-3", headers: HEAVY });
    await begin(gateway, { id: "light", headers: [["X-UserID", "light"]] });
    const { status, headers } = await newest.serving;
    expect(status).toBe(429);
    expect(headers.map(([name]) => name)).toContain("retry-after");
    expect(gateway.services.fairShare.left.local()).toEqual(["heavy-3"]);
    expect(gateway.replies.waiting).toBe(3);
    const refused = await begin(gateway, { id: "heavy-4", headers: HEAVY });
    expect((await refused.serving).status).toBe(429);
  });

  it("is refused when too many wait already", async () => {
    const gateway = open({ MaxQueueLength: "1" });
    await begin(gateway);
    const { serving } = await begin(gateway, { id: "request-2" });
    expect((await serving).status).toBe(429);
    expect(gateway.bus.sent).toHaveLength(1);
  });

  it("leaves no timer behind but that of the reply session's lock", async () => {
    const gateway = open();
    const { signal } = new AbortController();
    const { serving } = await begin(gateway, { closed: signal });
    expect(gateway.clock.pending).toBe(2);
    await gateway.bus.session.deliver(replyWith());
    await serving;
    expect(gateway.clock.pending).toBe(1);
    expect(listenerCount(signal)).toBe(0);
  });
});

describe("the claim of a request that its caller gives up while it is in a lane", () => {
  const LIMITED = { GATEWAY_LIMITS_TOKENS_PER_DAY: "100000" };
  const BODY = JSON.stringify({ max_tokens: 500, messages: [] }).padEnd(400);

  /** Leaves a request that waits in its lane, and lets a reply come for it all the same. */
  async function leave(reply: object | undefined) {
    const made = open(LIMITED);
    const limits = { ...made.services.limits, ledger: undefined };
    const gateway = { ...made, services: { ...made.services, limits } };
    const leaving = new AbortController();
    const { serving } = await begin(gateway, { body: BODY, closed: leaving.signal });
    leaving.abort(new GatewayError("client-closed", "The client closed the connection."));
    expect((await serving).status).toBe(499);
    const useOf = () => limits.book.find("caller:defaultUser")?.local(gateway.clock.now());
    expect(useOf()).toMatchObject({ requestsInMinute: 0, tokensToday: 0, concurrent: 0 });
    if (reply) await gateway.bus.session.deliver(replyWith(reply));
    return useOf();
  }

  it("is its prompt when a worker had it in hand", async () => {
    const used = { requestsInMinute: 1, tokensToday: 100, concurrent: 0 };
    expect(await leave({ attempts: 1, processMs: 1 })).toMatchObject(used);
  });

  it("is nothing when no backend was called, or all failed", async () => {
    const nothing = { requestsInMinute: 0, tokensToday: 0, concurrent: 0 };
    for (const reply of [undefined, { attempts: 0, processMs: 0 }, { status: 502, attempts: 3 }]) {
      expect(await leave(reply)).toMatchObject(nothing);
    }
  });
});
