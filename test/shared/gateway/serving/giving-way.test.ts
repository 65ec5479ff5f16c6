import { describe, expect, it } from "vitest";
import { headerValue } from "../../../../shared/core/headers.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import type { Slot } from "../../../../shared/scheduling/index.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";

const open = (env: Record<string, string>): TestGateway =>
  createGateway({ Workers: "1", GATEWAY_SCHEDULING_PREEMPTIBLE: "2", ...env });

async function begin(gateway: TestGateway, id: string) {
  const serving = handleRequest(gateway.services, requestTo(gateway, { id }), undefined);
  await gateway.clock.advance(0);
  return { serving };
}

/** Work of the most urgent class, which was let in elsewhere. */
async function urgent({ services, clock }: TestGateway) {
  const { signal } = new AbortController();
  let isRunning = false;
  const acquiring = services.slots.acquire({ priority: 1, signal, isLimited: false });
  void acquiring.then(() => {
    isRunning = true;
  });
  await clock.advance(0);
  return { isRunning, end: async () => (await acquiring).release() };
}

const called = ({ backends }: TestGateway) =>
  backends.calls.map(({ headers }) => headerValue(headers, "x-S7P-ID"));

describe("a request of a class that gives way", () => {
  it.each(["auto", "direct"])(
    "does so to urgent work, and comes again, though it found a slot free (mode %s)",
    async (mode) => {
      const gateway = open({ GATEWAY_SYNC_MODE: mode });
      gateway.backends.silence();
      gateway.backends.answer(200);
      const { serving } = await begin(gateway, "first");
      const { isRunning, end } = await urgent(gateway);
      expect(isRunning).toBe(true);
      await end();
      const { status, body } = await serving;
      expect([status, await textOf(body)]).toEqual([200, "ok"]);
      expect(called(gateway)).toEqual(["first", "first"]);
      expect(gateway.services.slots.running).toBe(0);
    },
  );

  it("gives up an answer that begins in the same moment, and never hands on what is broken off", async () => {
    const gateway = open({ GATEWAY_SYNC_MODE: "direct" });
    const { slots } = gateway.services;
    const taking = Promise.withResolvers<Slot>();
    gateway.backends.answers.push(({ signal }) => {
      const { signal: held } = new AbortController();
      taking.resolve(slots.acquire({ priority: 1, signal: held, isLimited: false }));
      async function* body(): AsyncGenerator<Uint8Array> {
        // As the client of backends does it: a signal that aborts ends an answer that has begun, too.
        signal.throwIfAborted();
        yield Buffer.from("first");
      }
      return { status: 200, headers: [], body: body(), discard() {} };
    });
    gateway.backends.answer(200, "second");
    const { serving } = await begin(gateway, "first");
    (await taking.promise).release();
    const { status, body } = await serving;
    expect([status, await textOf(body)]).toEqual([200, "second"]);
    expect([slots.running, gateway.clock.pending]).toEqual([0, 0]);
    expect(gateway.uses.map(({ kind }) => kind)).toEqual(["attempt", "answer"]);
  });

  it("is not refused by a queue that is full meanwhile, and goes before who came after it", async () => {
    const gateway = open({ GATEWAY_SYNC_MODE: "direct", MaxQueueLength: "1" });
    gateway.backends.silence();
    gateway.backends.answer(200);
    const first = await begin(gateway, "first");
    const second = await begin(gateway, "second");
    const { end } = await urgent(gateway);
    await gateway.clock.advance(0);
    await end();
    for (const { serving } of [first, second]) {
      const { status, body } = await serving;
      expect([status, await textOf(body)]).toEqual([200, "ok"]);
    }
    expect(called(gateway)).toEqual(["first", "first", "second"]);
  });
});
