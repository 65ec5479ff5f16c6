import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

const HOSTS = {
  GATEWAY_SYNC_MODE: "direct",
  LoadBalanceMode: "roundrobin",
  Host1: "host=https://one.test;mode=direct",
  Host2: "host=https://two.test;mode=direct",
};
const JSON_TYPE = [["content-type", "application/json"]] as const;
const USAGE = JSON.stringify({
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
});

const ask = (gateway: TestGateway, headers: HeaderList = []) =>
  handleRequest(gateway.services, requestTo(gateway, { headers }), undefined);
const requests = ({ records }: TestGateway) =>
  records.filter(({ event }) => event === "request.ended");

describe("what is told of a request", () => {
  it("is one event, when its answer is over, and one of each attempt", async () => {
    const gateway = createGateway(HOSTS);
    gateway.backends.answer(500, "broken");
    gateway.backends.answer(200, bodyOf(USAGE.slice(0, 20), USAGE.slice(20)), JSON_TYPE);
    const { body } = await ask(gateway, [
      ["X-UserID", "ann"],
      ["S7PPriorityKey", "12345"],
    ]);
    expect(requests(gateway)).toEqual([]);
    await gateway.clock.advance(500);
    await textOf(body);
    expect(gateway.records).toMatchObject([
      { event: "attempt.ended", requestId: "request-1", attempt: 1, backend: "Host1", status: 500 },
      {
        ...{ event: "attempt.ended", requestId: "request-1", attempt: 2, backend: "Host2" },
        ...{ status: 200, outcome: "answered", tookMs: 0, totalMs: 500, isWhole: true },
        ...{ usage: "reported", tokens: { inputTokens: 3, outputTokens: 4, totalTokens: 7 } },
      },
      {
        event: "request.ended",
        requestId: "request-1",
        user: "ann",
        priority: 1,
        status: 200,
        attempts: 2,
        backend: "Host2",
        totalMs: 500,
        isWhole: true,
        usage: "reported",
        tokens: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
      },
    ]);
  });

  it("says of a call whose answer broke off that it did, when it did", async () => {
    const gateway = createGateway(HOSTS);
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new BackendFailure("reset", "broke", { mayHaveBegun: true });
    }
    gateway.backends.answer(200, breaking(), [["content-type", "text/plain"]]);
    const { body } = await ask(gateway);
    await gateway.clock.advance(700);
    await expect(textOf(body)).rejects.toThrow();
    expect(gateway.records[0]).toMatchObject({
      event: "attempt.ended",
      ...{ status: 200, outcome: "broken", tookMs: 0, totalMs: 700, isWhole: false },
    });
  });

  it("names the code where the gateway answered itself, and what that took", async () => {
    const gateway = createGateway(HOSTS);
    gateway.backends.answer(500);
    gateway.backends.answer(503);
    await ask(gateway);
    await ask(gateway, [["S7PTTL", "soon"]]);
    expect(requests(gateway)).toMatchObject([
      { status: 502, code: "backend-failed", attempts: 2 },
      { status: 400, code: "invalid-ttl", attempts: 0 },
    ]);
  });

  it("says so when the reader left before the end", async () => {
    const gateway = createGateway(HOSTS);
    gateway.backends.answer(200, bodyOf("a", "b"));
    const { body } = await ask(gateway);
    await (body as AsyncIterableIterator<Uint8Array>).return?.();
    expect(requests(gateway)).toMatchObject([{ status: 200, isWhole: false }]);
  });

  it("holds for a repetition too, which nobody was called for", async () => {
    const gateway = createGateway(HOSTS);
    gateway.backends.answer(200, "answer");
    const headers = [["Idempotency-Key", "key-1"]] as const;
    await textOf((await ask(gateway, headers)).body);
    await textOf((await ask(gateway, headers)).body);
    expect(requests(gateway)).toMatchObject([
      { status: 200, attempts: 1 },
      { status: 200, attempts: 0 },
    ]);
  });
});
