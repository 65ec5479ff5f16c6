import { describe, expect, it } from "vitest";
import type { RequestBody } from "../../../../shared/core/http.ts";
import { bodyTextOf } from "../../../support/fake-backends.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import {
  envelopeFor,
  expectNothingHeld,
  replies,
  run,
  standardLane,
} from "../../../support/lane-messages.ts";
import { bodyOf } from "../../../support/streams.ts";

const replyOf = (gateway: TestGateway) => replies(gateway)[0]?.message.body;

describe("a message of a lane", () => {
  it("is run, and its answer sent to the session that waits for it", async () => {
    const gateway = createGateway();
    gateway.backends.answer(201, bodyOf("a", "b"), [["X-A", "1"]]);
    await run(gateway, envelopeFor(gateway, { body: { text: "question" } }));
    expect(replies(gateway)).toMatchObject([
      {
        message: {
          sessionId: "gateway-2",
          correlationId: "request-request-1",
          timeToLiveMs: 60_000,
        },
      },
    ]);
    expect(replyOf(gateway)).toEqual({
      requestId: "request-1",
      status: 201,
      headers: [["X-A", "1"]],
      body: { text: "ab" },
      attempts: 1,
      processMs: 0,
      backend: "Host1",
    });
    expect(bodyTextOf(gateway.backends.calls[0])).toBe("question");
    expectNothingHeld(gateway);
  });

  it("is run with the settings of now, not those of the start", async () => {
    const gateway = createGateway();
    const changed = createGateway({ StripRequestHeaders: "X-A" }).services.policy.current();
    const policy = { ...gateway.services.policy, current: () => changed };
    gateway.backends.answer(200);
    const envelope = envelopeFor(gateway, {
      headers: [
        ["X-A", "1"],
        ["X-B", "2"],
      ],
    });
    await run({ ...gateway, services: { ...gateway.services, policy } }, envelope);
    const sent = gateway.backends.calls[0]?.headers.map(([name]) => name);
    expect(sent).toContain("X-B");
    expect(sent).not.toContain("X-A");
  });

  it("tells of a backend that worked until the caller's time was over, and of no other", async () => {
    for (const [how, told] of [
      ["silence", [{ requestId: "request-1", status: 412, attempts: 1 }]],
      ["vanish", []],
    ] as const) {
      const gateway = createGateway();
      gateway.backends[how]();
      const running = run(gateway, envelopeFor(gateway, { attemptTimeoutMs: 90_000 }));
      await expect.poll(() => gateway.backends.calls).toHaveLength(1);
      await gateway.clock.advance(60_000);
      await running;
      expect(replies(gateway).map(({ message }) => message.body)).toMatchObject(told);
      expect(replies(gateway).every(({ message }) => message.timeToLiveMs === 10_000)).toBe(true);
      expectNothingHeld(gateway);
    }
  });

  it("sends a large answer by blob, under a name of its own for each delivery", async () => {
    const gateway = createGateway({ GATEWAY_MESSAGING_INLINE_BYTES: "2" });
    for (const _ of [1, 2]) {
      gateway.backends.answers.length = 0;
      gateway.backends.answer(200, "large");
      await run(gateway, envelopeFor(gateway));
    }
    expect([...gateway.work.blobs.keys()]).toHaveLength(2);
  });

  it("holds no long body in memory, and lets go of it once it is answered", async () => {
    const gateway = createGateway();
    const text = "x".repeat(2 * 1024 * 1024);
    let sent: RequestBody | undefined;
    let received = 0;
    gateway.backends.answers.push(async ({ body }) => {
      sent = body;
      if (body && !(body instanceof Uint8Array)) {
        for await (const piece of body.read()) received += piece.byteLength;
      }
      return { status: 200, headers: [], body: bodyOf("ok"), discard() {} };
    });
    await gateway.work.write("requests/1", Buffer.from(text));
    const body = { blob: "requests/1", sizeBytes: text.length };
    await run(gateway, envelopeFor(gateway, { body }));
    expect(received).toBe(text.length);
    if (!sent || sent instanceof Uint8Array) throw new Error("The body was in memory.");
    const again = sent.read()[Symbol.asyncIterator]();
    await expect(again.next()).rejects.toThrow("closed");
    expect(replyOf(gateway)).toMatchObject({ status: 200 });
  });

  it("removes the request's blob once it is answered", async () => {
    const gateway = createGateway();
    gateway.backends.answer(200);
    await gateway.work.write("requests/1", Buffer.from("question"));
    await run(gateway, envelopeFor(gateway, { body: { blob: "requests/1", sizeBytes: 8 } }));
    expect(gateway.work.removed).toEqual(["requests/1"]);
  });

  it("comes again as a scheduled message when every backend asks for that, and keeps its blob", async () => {
    const gateway = createGateway();
    const again = [
      ["S7PREQUEUE", "true"],
      ["retry-after-ms", "500"],
    ] as const;
    gateway.backends.answer(429, "later", again);
    await gateway.work.write("requests/1", Buffer.from("question"));
    const envelope = envelopeFor(gateway, { body: { blob: "requests/1", sizeBytes: 8 } });
    await run(gateway, envelope);
    expect(gateway.bus.sent).toMatchObject([
      {
        queue: standardLane(gateway).queue,
        message: { body: envelope, scheduledAt: gateway.clock.now() + 500, timeToLiveMs: 59_500 },
      },
    ]);
    expect(gateway.work.removed).toEqual([]);
    expectNothingHeld(gateway);
  });

  it("tells the caller when no backend could answer", async () => {
    const gateway = createGateway();
    gateway.backends.refuse();
    await run(gateway, envelopeFor(gateway));
    expect(replyOf(gateway)).toMatchObject({
      status: 502,
      body: { text: expect.stringContaining("backend-failed") },
    });
  });

  it("returns to its lane when the body breaks off, and sends no part of it", async () => {
    const gateway = createGateway();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("connection reset");
    }
    gateway.backends.answer(200, broken());
    await expect(run(gateway, envelopeFor(gateway))).rejects.toThrow("connection reset");
    expect(replies(gateway)).toEqual([]);
    expect(gateway.events).toMatchObject([{ event: "message.failed", isLastDelivery: false }]);
    expectNothingHeld(gateway);
  });

  it("gives the backend's connection up when the answer cannot be stored", async () => {
    const gateway = createGateway({ GATEWAY_MESSAGING_INLINE_BYTES: "1" });
    gateway.backends.answer(200, "large");
    gateway.work.isAway = true;
    await expect(run(gateway, envelopeFor(gateway))).rejects.toThrow();
    expect(gateway.backends.discarded).toBe(1);
    expectNothingHeld(gateway);
  });

  it("tells the caller before its last delivery goes to the dead letters", async () => {
    const gateway = createGateway();
    const blob = { blob: "requests/lost", sizeBytes: 1 };
    const { maxDeliveryCount } = standardLane(gateway);
    const message = envelopeFor(gateway, { body: blob });
    await expect(run(gateway, message, { deliveryCount: maxDeliveryCount - 1 })).rejects.toThrow();
    expect(replies(gateway)).toEqual([]);
    await expect(run(gateway, message, { deliveryCount: maxDeliveryCount })).rejects.toThrow();
    expect(replyOf(gateway)).toMatchObject({ requestId: "request-1", status: 500 });
    expect(JSON.stringify(replyOf(gateway))).not.toContain("requests/lost");
    expectNothingHeld(gateway);
  });

  it.each(["rubbish", { kind: "request" }, null])(
    "is poison as %j, and is given back",
    async (message) => {
      const gateway = createGateway();
      await expect(run(gateway, message, { deliveryCount: 99 })).rejects.toThrow("not");
      expect(gateway.events).toMatchObject([
        { event: "message.failed", lane: "standard", messageId: "message-1", isLastDelivery: true },
      ]);
      expect(gateway.bus.sent).toEqual([]);
    },
  );

  it("waits for a slot by its user's right, however many of another user came before", async () => {
    const gateway = createGateway({ Workers: "2" });
    gateway.backends.silence();
    const running = Array.from({ length: 32 }, (_, n) =>
      run(gateway, envelopeFor(gateway, { id: `heavy-${n}`, userId: "heavy" })),
    );
    await gateway.clock.advance(1000);
    expect(gateway.backends.calls).toHaveLength(2);
    running.push(run(gateway, envelopeFor(gateway, { userId: "light", target: "/light" })));
    // The first two have their timeout.
    await gateway.clock.advance(29_000);
    expect(gateway.backends.calls[2]?.target).toBe("/light");
    await gateway.clock.advance(60_000);
    await Promise.all(running);
    expectNothingHeld(gateway);
  });

  it("runs no more of its lane at once than the lane allows", async () => {
    const gateway = createGateway({ Workers: "100" });
    const { concurrency } = standardLane(gateway);
    gateway.backends.silence();
    const running = Array.from({ length: concurrency + 3 }, (_, n) =>
      run(gateway, envelopeFor(gateway, { id: `request-${n}` })),
    );
    await gateway.clock.advance(0);
    expect(gateway.backends.calls).toHaveLength(concurrency);
    await gateway.clock.advance(60_000);
    await Promise.all(running);
    expectNothingHeld(gateway);
  });
});
