import { describe, expect, it } from "vitest";
import { handleRequest, sweepIdempotency } from "../../../../shared/gateway/index.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";

const HOUR_MS = 3_600_000;

const open = (): TestGateway =>
  createGateway({ GATEWAY_SYNC_MODE: "direct", GATEWAY_MESSAGING_INLINE_BYTES: "4" });

async function ask(gateway: TestGateway, key: string): Promise<string> {
  const { services } = gateway;
  const headers = [["Idempotency-Key", key]] as const;
  const request = requestTo(gateway, { id: services.newId(), headers, body: "question" });
  return textOf((await handleRequest(services, request, undefined)).body);
}

describe("an idempotency key", () => {
  it("leaves nothing behind once its day is over", async () => {
    const gateway = open();
    gateway.backends.answer(200, "an answer that goes by blob");
    await ask(gateway, "key-1");
    expect(gateway.work.blobs.size).toBe(1);
    await gateway.clock.advance(25 * HOUR_MS);
    await sweepIdempotency(gateway.services);
    expect([...gateway.table.rows.keys()]).toEqual([]);
    expect(gateway.work.blobs.size).toBe(0);
    expect(gateway.events).toContainEqual(
      expect.objectContaining({ event: "idempotency.swept", removed: 1 }),
    );
  });

  it("is kept until then", async () => {
    const gateway = open();
    gateway.backends.answer(200, "first");
    expect(await ask(gateway, "key-1")).toBe("first");
    await gateway.clock.advance(24 * HOUR_MS - 1);
    await sweepIdempotency(gateway.services);
    expect(await ask(gateway, "key-1")).toBe("first");
  });

  it("that was used anew is not swept with its first use", async () => {
    const gateway = open();
    gateway.backends.answer(200, "first");
    gateway.backends.answer(200, "second");
    await ask(gateway, "key-1");
    await gateway.clock.advance(25 * HOUR_MS);
    expect(await ask(gateway, "key-1")).toBe("second");
    await sweepIdempotency(gateway.services);
    expect(await ask(gateway, "key-1")).toBe("second");
    expect(gateway.work.blobs.size).toBe(1);
  });

  it("that was given back is forgotten by the list too", async () => {
    const gateway = open();
    gateway.backends.answer(429, "later");
    await ask(gateway, "key-1");
    await gateway.clock.advance(25 * HOUR_MS);
    await sweepIdempotency(gateway.services);
    expect([...gateway.table.rows.keys()]).toEqual([]);
  });

  it("is swept once, however many instances sweep", async () => {
    const gateway = open();
    for (let n = 0; n < 20; n++) {
      gateway.backends.answer(200, `answer ${n}`);
      await ask(gateway, `key-${n}`);
    }
    await gateway.clock.advance(25 * HOUR_MS);
    await Promise.all([1, 2, 3].map(() => sweepIdempotency(gateway.services)));
    expect([...gateway.table.rows.keys()]).toEqual([]);
    expect(gateway.work.blobs.size).toBe(0);
  });

  it("stays, and is told of, while storage is away", async () => {
    const gateway = open();
    gateway.table.isAway = true;
    await sweepIdempotency(gateway.services);
    expect(gateway.events).toMatchObject([{ event: "idempotency.sweep.failed" }]);
  });

  it("waits for the next sweep when there are too many for one", async () => {
    const gateway = open();
    for (let n = 0; n < 40; n++) {
      gateway.backends.answer(200, "a");
      await ask(gateway, `key-${n}`);
    }
    await gateway.clock.advance(25 * HOUR_MS);
    const { idempotency, stopping: signal } = gateway.services;
    const sweep = () =>
      idempotency?.store.sweep({ nowMs: gateway.clock.now(), atMost: 16, signal }) ?? 0;
    expect(await sweep()).toBeLessThanOrEqual(16);
    while ((await sweep()) !== 0);
    expect([...gateway.table.rows.keys()]).toEqual([]);
  });
});
