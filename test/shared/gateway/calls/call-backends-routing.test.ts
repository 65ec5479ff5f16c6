import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import { bodyTextOf, stallingBody } from "../../../support/fake-backends.ts";
import { settle } from "../../../support/fake-clock.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { hostsOf, openPair, serve as serveAsIs } from "../../../support/serving.ts";
import { bodyOf } from "../../../support/streams.ts";

async function serve(...asked: Parameters<typeof serveAsIs>) {
  const served = await serveAsIs(...asked);
  return { ...served, headers: new Map(served.headers) };
}

describe("when every backend is out", () => {
  it("answers at once with an honest Retry-After, and calls nobody (V70)", async () => {
    const gateway = openPair({ CBErrorThreshold: "1", CBTimeslice: "10" });
    gateway.backends.refuse();
    await serve(gateway);
    await gateway.clock.advance(4000);
    const { status, text, headers } = await serve(gateway);
    expect([status, JSON.parse(text).code]).toEqual([503, "no-backend"]);
    expect(headers.get("retry-after")).toBe("6");
    expect(gateway.backends.calls).toHaveLength(2);
  });

  it("tries one call each when their time is over, and serves again (V63)", async () => {
    const gateway = openPair({ CBErrorThreshold: "1", CBTimeslice: "10" });
    gateway.backends.refuse();
    await serve(gateway);
    gateway.backends.answers.splice(0);
    gateway.backends.silence();
    gateway.backends.answer(200);
    await gateway.clock.advance(10_000);
    void serve(gateway);
    await settle();
    expect((await serve(gateway)).status).toBe(200);
    expect(hostsOf(gateway).slice(2)).toEqual(["Host1", "Host2"]);
  });

  it("says 429 where all only ask to wait, with the shortest wait (V121)", async () => {
    const gateway = openPair();
    gateway.backends.answer(429, "a", [["retry-after-ms", "1500"]]);
    gateway.backends.answer(429, "b", [["retry-after", "30"]]);
    const first = await serve(gateway);
    expect([first.status, first.headers.get("retry-after-ms")]).toEqual([429, "1500"]);
    const second = await serve(gateway);
    expect([second.status, second.headers.get("retry-after")]).toEqual([429, "2"]);
    expect(JSON.parse(second.text).code).toBe("backends-throttled");
    expect(gateway.backends.calls).toHaveLength(2);
  });

  it("finds no route for a class that no backend takes (V117)", async () => {
    const gateway = openPair({
      Host1: "host=a.test;priorities=1",
      Host2: "host=b.test;priorities=1,3",
    });
    expect((await serve(gateway)).status).toBe(404);
    expect(gateway.backends.calls).toHaveLength(0);
  });
});

describe("retries", () => {
  it("go round again where MultiPass says so, with back-off, up to MaxAttempts", async () => {
    const gateway = openPair({ IterationMode: "multipass", MaxAttempts: "5" });
    gateway.backends.answer(503);
    const serving = serve(gateway);
    await settle();
    expect(hostsOf(gateway)).toHaveLength(2);
    await gateway.clock.advance(49);
    expect(hostsOf(gateway)).toHaveLength(2);
    await gateway.clock.advance(1);
    expect(hostsOf(gateway)).toHaveLength(4);
    await gateway.clock.advance(10_000);
    expect((await serving).status).toBe(503);
    expect(hostsOf(gateway)).toHaveLength(5);
  });

  it("do not stand in their own way where a backend takes one call at a time", async () => {
    const gateway = openPair({
      IterationMode: "multipass",
      MaxAttempts: "2",
      Host1: "host=http://backend-1.test;maxconcurrency=1",
      Host2: "",
    });
    gateway.backends.answer(503);
    gateway.backends.answer(200, "ok");
    const serving = serve(gateway);
    await gateway.clock.advance(50);
    expect(hostsOf(gateway)).toHaveLength(2);
    expect((await serving).text).toBe("ok");
  });

  it.each([
    ["asked for a wait", 429, [["retry-after-ms", "1000"]]],
    ["failed", 500, []],
  ] as const)("leave the place of a backend that %s to others", async (_, status, headers) => {
    const Host1 = "host=http://a.test;maxconcurrency=1";
    const gateway = openPair({ Host1, Host2: "host=http://b.test;tier=2" });
    gateway.backends.answer(status, "no", headers);
    gateway.backends.silence();
    gateway.backends.answer(200);
    void serve(gateway, { id: "first" });
    await gateway.clock.advance(1000);
    expect((await serve(gateway, { id: "second" })).status).toBe(200);
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2", "Host1"]);
  });

  it("do not reach a backend whose budget for retries is used up", async () => {
    const gateway = openPair({ CBErrorThreshold: "1000" });
    gateway.backends.answer(500);
    for (let n = 0; n < 60; n++) await serve(gateway, { id: `request-${n}` });
    const callsPerRequest = gateway.receipts.map(
      ({ attempts }) => (attempts as readonly unknown[]).length,
    );
    expect(callsPerRequest.slice(0, 20)).toEqual(Array(20).fill(2));
    expect(callsPerRequest.slice(40)).toEqual(Array(20).fill(1));
    const { decisions } = gateway.receipts.at(-1) as { decisions?: unknown[] };
    expect(JSON.stringify(decisions?.at(-1))).toContain("retry-budget");
  });

  it("stop at the deadline, whatever is left to try (V34)", async () => {
    const gateway = openPair({ Host3: "http://backend-3.test" });
    gateway.backends.silence();
    const serving = serve(gateway, {
      headers: [
        ["S7PTTL", "2"],
        ["S7PTimeout", "1500"],
      ],
    });
    await gateway.clock.advance(2000);
    expect((await serving).status).toBe(412);
    expect(hostsOf(gateway)).toHaveLength(2);
    expect(gateway.clock.pending).toBe(0);
  });

  it("give a host its own time to the first byte", async () => {
    const gateway = openPair({ Host1: "host=a.test;timeout=200" });
    gateway.backends.silence();
    gateway.backends.answer(200);
    const serving = serve(gateway);
    await gateway.clock.advance(200);
    expect((await serving).status).toBe(200);
  });
});

describe("a refusal for a request's length", () => {
  const REFUSAL = '{"error":{"code":"context_length_exceeded"}}';
  const sized = (): TestGateway =>
    openPair({
      Host1: "host=a.test;contextwindow=8000",
      Host2: "host=b.test;contextwindow=8000",
      Host3: "host=c.test;contextwindow=200000",
    });

  it("is taken to a larger model alone, compressed or not", async () => {
    const gateway = sized();
    const zipped = gzipSync(REFUSAL);
    gateway.backends.answer(
      400,
      (async function* () {
        yield zipped.subarray(0, 10);
        yield zipped.subarray(10);
      })(),
      [["Content-Encoding", "gzip"]],
    );
    gateway.backends.answer(200, "fits");
    expect(await serve(gateway)).toMatchObject({ status: 200, text: "fits" });
    expect(hostsOf(gateway)).toEqual(["Host1", "Host3"]);
    expect(gateway.backends.discarded).toBe(1);
  });

  it("is the client's, body and all, where the larger one fails too", async () => {
    const gateway = sized();
    gateway.backends.answer(400, bodyOf(REFUSAL.slice(0, 9), REFUSAL.slice(9)));
    gateway.backends.answer(500);
    expect(await serve(gateway)).toMatchObject({ status: 400, text: REFUSAL });
    expect(hostsOf(gateway)).toEqual(["Host1", "Host3"]);
  });

  it("is passed on where no larger model is there", async () => {
    const gateway = openPair();
    gateway.backends.answer(400, REFUSAL);
    expect(await serve(gateway)).toMatchObject({ status: 400, text: REFUSAL });
    expect(hostsOf(gateway)).toHaveLength(1);
  });

  it("whose body breaks off is no answer: the next backend is asked", async () => {
    const gateway = openPair();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"error"');
      throw new BackendFailure("truncated", "cut", { mayHaveBegun: true });
    }
    gateway.backends.answer(400, broken());
    gateway.backends.answer(200, "ok");
    expect(await serve(gateway)).toMatchObject({ status: 200, text: "ok" });
    expect(hostsOf(gateway)).toHaveLength(2);
  });

  it("whose body stalls is given up with its client, and at the deadline", async () => {
    const gateway = openPair();
    for (const _ of [1, 2]) {
      const { body, discard } = stallingBody();
      gateway.backends.answers.push(() => ({ status: 400, headers: [], body, discard }));
    }
    const leaving = new AbortController();
    const left = serve(gateway, { closed: leaving.signal });
    await gateway.clock.advance(0);
    leaving.abort(new Error("gone"));
    await left;
    const late = serve(gateway, { headers: [["S7PTTL", "5"]] });
    await gateway.clock.advance(5000);
    expect((await late).status).toBe(412);
    expect([gateway.services.slots.running, gateway.clock.pending]).toEqual([0, 0]);
  });

  it("leaves a long refusal about something else as it came", async () => {
    const gateway = sized();
    const long = "x".repeat(200_000);
    gateway.backends.answer(400, bodyOf(long.slice(0, 100_000), long.slice(100_000)));
    expect(await serve(gateway)).toMatchObject({ status: 400, text: long });
    expect(hostsOf(gateway)).toHaveLength(1);
  });
});

describe("what a client is told", () => {
  it.each([
    ["an operator who asks", ["S7PDEBUG: true", "x-operator-key: second"], true],
    ["an operator who does not ask", ["x-operator-key: second"], false],
    ["one who asks with a wrong key", ["S7PDEBUG: true", "x-operator-key: third"], false],
    ["one who asks without a key", ["S7PDEBUG: true"], false],
  ])("has the receipt for operators alone: %s", async (_who, lines, isThere) => {
    const gateway = openPair({ OperatorKeys: "first,second" });
    gateway.backends.answer(200, "ok", [["x-s7p-receipt", "of the backend"]]);
    const headers = lines.map((line) => line.split(": ") as [string, string]);
    const answer = await serve(gateway, { headers });
    expect(answer.headers.has("x-s7p-receipt")).toBe(isThere);
    expect(gateway.receipts).toHaveLength(1);
    const sent = gateway.backends.calls.flatMap((call) => call.headers.map(([name]) => name));
    expect(sent).not.toContain("x-operator-key");
  });

  it("has an affinity of ours only where there is a choice and the backend has none", async () => {
    const gateway = openPair();
    gateway.backends.answer(200);
    const { headers } = await serve(gateway);
    const ours = headers.get("x-backend-affinity") ?? "";
    expect(gateway.services.pool.isAffinity(ours)).toBe(true);
    await serve(gateway, { headers: [["x-backend-affinity", ours]] });
    await serve(gateway, { headers: [["x-backend-affinity", "of the backend"]] });
    const passed = gateway.backends.calls.map(({ headers: sent }) => new Map(sent));
    expect(passed.map((sent) => sent.get("x-backend-affinity"))).toEqual([
      undefined,
      undefined,
      "of the backend",
    ]);
    expect(hostsOf(gateway).slice(0, 2)).toEqual(["Host1", "Host1"]);

    const single = createGateway({ GATEWAY_SYNC_MODE: "direct" });
    single.backends.answer(200);
    expect((await serve(single)).headers.has("x-backend-affinity")).toBe(false);

    const own = openPair();
    own.backends.answer(200, "ok", [["X-Backend-Affinity", "theirs"]]);
    const answer = await serve(own);
    expect(answer.headers.get("X-Backend-Affinity")).toBe("theirs");
    expect(answer.headers.has("x-backend-affinity")).toBe(false);
  });

  it("leaves one receipt a request in the log, whatever its end", async () => {
    const gateway = openPair();
    gateway.backends.answer(500);
    await serve(gateway);
    expect(gateway.receipts).toMatchObject([
      {
        event: "request.routed",
        requestId: "request-1",
        outcome: "failed",
        attempts: [
          { backend: "Host1", status: 500, outcome: "failed" },
          { backend: "Host2", status: 500, outcome: "failed" },
        ],
      },
    ]);
  });

  it("does not rename a model in a body that is compressed", async () => {
    const gateway = openPair({ Host1: "host=a.test;model=new" });
    gateway.backends.answer(200);
    const body = '{"model":"old"}';
    await serve(gateway, { body, headers: [["Content-Encoding", "gzip"]] });
    await serve(gateway, { body });
    await serve(gateway, { body, headers: [["Content-MD5", "abc"]] });
    const sent = gateway.backends.calls.map(bodyTextOf);
    expect(sent).toEqual([body, body, '{"model":"new"}']);
    expect(gateway.backends.calls.at(-1)?.headers.map(([name]) => name)).not.toContain(
      "Content-MD5",
    );
  });
});
