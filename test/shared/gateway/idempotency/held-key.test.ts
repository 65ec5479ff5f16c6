import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../../shared/core/errors.ts";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

const open = (): TestGateway => createGateway({ GATEWAY_SYNC_MODE: "direct" });

async function serve(gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) {
  const request = requestTo(gateway, { headers: LONG, body: "question", ...change });
  const { status, body } = await handleRequest(gateway.services, request, undefined);
  return { status, text: await textOf(body) };
}

/** Another instance on the same storage, with a clock of its own: one that stands still is that of a dead process. */
function another(gateway: TestGateway): TestGateway {
  const other = open();
  const { idempotency } = gateway.services;
  return { ...other, services: { ...other.services, newId: () => "other", idempotency } };
}

/** Lets time pass on instances that are alive. */
async function pass(ms: number, ...gateways: TestGateway[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    for (const { clock } of gateways) await clock.advance(100);
  }
}

const LONG: HeaderList = [
  ["Idempotency-Key", "key-1"],
  ["S7PTTL", "3600"],
];

describe("a request whose key another instance has", () => {
  it("takes its place within seconds when that instance is dead, once", async () => {
    const first = open();
    first.backends.silence();
    void serve(first);
    await expect.poll(() => first.backends.calls).toHaveLength(1);
    const second = another(first);
    second.backends.answer(200, "from the second");
    const joined = [1, 2, 3].map((n) => serve(second, { id: `request-${n + 1}` }));
    await pass(14_000, second);
    expect(second.backends.calls).toHaveLength(0);
    await pass(4000, second);
    expect((await Promise.all(joined)).map(({ text }) => text)).toEqual(
      Array.from({ length: 3 }, () => "from the second"),
    );
    expect(second.backends.calls).toHaveLength(1);
  });

  it("waits for as long as that instance lives, also for the end of a stream", async () => {
    const first = open();
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    first.backends.answers.push(async () => {
      await begun.promise;
      const body = (async function* () {
        yield Buffer.from("a");
        await ended.promise;
        yield Buffer.from("b");
      })();
      return { status: 200, headers: [], body, discard: () => {} };
    });
    const answer = serve(first);
    await expect.poll(() => first.backends.calls).toHaveLength(1);
    const second = another(first);
    second.backends.answer(200, "from the second");
    const joined = serve(second, { id: "request-2" });
    await pass(60_000, first, second);
    begun.resolve();
    await pass(60_000, first, second);
    ended.resolve();
    expect((await answer).text).toBe("ab");
    await pass(2000, second);
    expect((await joined).text).toBe("ab");
    expect(second.backends.calls).toHaveLength(0);
    await pass(20_000, first);
    expect(first.clock.pending).toBe(0);
  });

  it("keeps its own answer when who was taken for dead comes back with another", async () => {
    for (const status of [200, 503]) {
      const first = open();
      const held = Promise.withResolvers<void>();
      first.backends.answers.push(async () => {
        await held.promise;
        return { status, headers: [], body: bodyOf("late"), discard: () => {} };
      });
      const late = serve(first);
      await expect.poll(() => first.backends.calls).toHaveLength(1);
      const second = another(first);
      second.backends.answer(200, "in time");
      const joined = serve(second, { id: "request-2" });
      await pass(20_000, second);
      expect((await joined).text).toBe("in time");
      await first.clock.advance(20_000);
      held.resolve();
      expect(await late).toMatchObject({ status, text: "late" });
      expect((await serve(second, { id: "request-3" })).text).toBe("in time");
    }
  });

  it("waits on while storage is away for a moment, and the claim with it", async () => {
    const first = open();
    first.backends.silence();
    const leaving = new AbortController();
    const answer = serve(first, { closed: leaving.signal });
    await expect.poll(() => first.backends.calls).toHaveLength(1);
    first.table.isAway = true;
    await first.clock.advance(11_000);
    first.table.isAway = false;
    await first.clock.advance(9000);
    const second = another(first);
    await second.clock.advance(20_000);
    second.backends.answer(200, "from the second");
    const joined = serve(second, { id: "request-2" });
    await pass(2000, second);
    expect(second.backends.calls).toHaveLength(0);
    leaving.abort(new GatewayError("client-closed", "gone"));
    await answer;
    await pass(2000, second);
    expect((await joined).text).toBe("from the second");
  });
});
