import { describe, expect, it } from "vitest";
import { countUsage } from "../../../../shared/gateway/index.ts";
import { bodyTextOf } from "../../../support/fake-backends.ts";
import { settle } from "../../../support/fake-clock.ts";
import { bodyOf, bytesOf, textOf } from "../../../support/streams.ts";
import { written } from "../../backends/event-tellings.ts";
import { messageEvents } from "../../backends/messages-telling.ts";
import { responseEvents } from "../../backends/responses-telling.ts";
import { amazonFrame } from "../../usage/amazon-frames.ts";
import {
  broken,
  CHAT,
  DONE,
  JSON_TYPE,
  open,
  SSE,
  STOP,
  say,
  serve,
  TOKENS,
  TOLD,
  USAGE,
  uses,
} from "./usage-calls.ts";

/** A body whose connection stays open behind its last event. */
async function* stalling(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  await new Promise(() => {});
}

describe("the journal of what was used", () => {
  it("has one entry for an answer, and one for each attempt that failed", async () => {
    const gateway = open();
    gateway.backends.answer(500);
    gateway.backends.answer(200, JSON.stringify({ model: "gpt-4o", usage: USAGE }), JSON_TYPE);
    await textOf((await serve(gateway, { body: '{"model":"asked"}' })).body);
    expect(uses(gateway)).toEqual([
      { kind: "attempt", backend: "Host1", status: 500, provenance: "unknown", model: "asked" },
      {
        kind: "answer",
        backend: "Host2",
        status: 200,
        provenance: "reported",
        tokens: TOKENS,
        model: "gpt-4o",
      },
    ]);
    expect(gateway.uses[1]).toMatchObject({ user: "ann", priority: 2, requestId: "request-1" });
  });

  it("has a refusal as an answer, and an attempt that its client left", async () => {
    const gateway = open();
    gateway.backends.answer(400, '{"error":"no"}', JSON_TYPE);
    await textOf((await serve(gateway)).body);
    const leaving = new AbortController();
    gateway.backends.answers.length = 0;
    gateway.backends.silence();
    const serving = serve(gateway, { closed: leaving.signal });
    await settle();
    leaving.abort(new Error("gone"));
    await serving;
    expect(uses(gateway).map(({ kind, status }) => [kind, status])).toEqual([
      ["answer", 400],
      ["attempt", 499],
    ]);
  });

  it("has a stream that its client left as an answer in part, and one that broke as a failed attempt", async () => {
    const gateway = open();
    gateway.backends.answer(200, broken(say("Hel"), say("lo")), SSE);
    const left = await serve(gateway);
    const pieces = (left.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await pieces.next();
    await pieces.return?.();
    const failed = await serve(gateway);
    await expect(textOf(failed.body)).rejects.toThrow();
    expect(uses(gateway).map(({ kind, provenance }) => [kind, provenance])).toEqual([
      ["answer", "partial"],
      ["attempt", "partial"],
    ]);
  });

  it("has of a stream that went on elsewhere both calls, and the record the one that answered", async () => {
    const gateway = open({ GATEWAY_BACKENDS_MIDSTREAM: "verify" });
    gateway.backends.answer(200, broken(say("Hel")), SSE);
    gateway.backends.answer(200, say("Hello") + STOP + TOLD + DONE, SSE);
    const { body } = await serve(gateway);
    expect(await textOf(body)).toBe(say("Hel") + say("lo") + STOP + DONE);
    expect(uses(gateway).map(({ kind, provenance }) => [kind, provenance])).toEqual([
      ["attempt", "partial"],
      ["answer", "reported"],
    ]);
    const record = gateway.records.find(({ event }) => event === "request.ended");
    expect(record).toMatchObject({ usage: "reported", tokens: TOKENS });
  });

  it.each([
    ["/v1/responses", responseEvents, { inputTokens: 4, outputTokens: 5, totalTokens: 9 }],
    ["/v1/messages", messageEvents, { inputTokens: 500, outputTokens: 500, totalTokens: 1000 }],
  ])(
    "has of a stream of %s that went on elsewhere both calls",
    async (target, eventsOf, tokens) => {
      const gateway = open({ GATEWAY_BACKENDS_MIDSTREAM: "verify" });
      const told = (name: string) => eventsOf({ name, parts: [["text", "Hello"]], pieces: [2] });
      const first = told("one");
      gateway.backends.answer(200, broken(written(first.slice(0, first.length / 2))), SSE);
      gateway.backends.answer(200, written(told("other")), SSE);
      const { body } = await serve(gateway, { target });
      expect(await textOf(body)).toContain(written(first.slice(-1)).split("\n")[0]);
      expect(uses(gateway)).toMatchObject([
        { kind: "attempt", backend: "Host1", provenance: "partial" },
        { kind: "answer", backend: "Host2", provenance: "reported", tokens },
      ]);
      const record = gateway.records.find(({ event }) => event === "request.ended");
      expect(record).toMatchObject({ usage: "reported", tokens });
    },
  );

  it("has as an attempt, and holds nothing of, an answer that failed and went on elsewhere", async () => {
    const gateway = open({ GATEWAY_BACKENDS_MIDSTREAM: "verify" });
    const told = (name: string) =>
      responseEvents({ name, parts: [["text", "Hello"]], pieces: [2] });
    const failed = { type: "response.failed", response: { error: { code: "server_error" } } };
    gateway.backends.answer(200, stalling(written([...told("one").slice(0, 6), failed])), SSE);
    gateway.backends.answer(200, written(told("other")), SSE);
    await textOf((await serve(gateway, { target: "/v1/responses" })).body);
    expect(uses(gateway).map(({ kind, backend }) => [kind, backend])).toEqual([
      ["attempt", "Host1"],
      ["answer", "Host2"],
    ]);
    const inFlight = gateway.services.pool.backends.map((backend) => backend.view(0).inFlight);
    expect([gateway.services.slots.running, ...inFlight]).toEqual([0, 0, 0]);
    expect(gateway.backends.discarded).toBe(1);
  });

  it("has as an attempt what another said instead of going on", async () => {
    const gateway = open({ GATEWAY_BACKENDS_MIDSTREAM: "verify" });
    gateway.backends.answer(200, broken(say("Hel")), SSE);
    gateway.backends.answer(200, say("Hallo") + STOP + TOLD + DONE, SSE);
    await expect(textOf((await serve(gateway)).body)).rejects.toThrow();
    expect(uses(gateway).map(({ kind, backend }) => [kind, backend])).toEqual([
      ["attempt", "Host1"],
      ["attempt", "Host2"],
    ]);
  });

  it("has what a stream of binary events told, whose bytes pass as they are", async () => {
    const gateway = open();
    const said = amazonFrame("contentBlockDelta", { delta: { text: "Hi" } });
    const told = amazonFrame("metadata", { usage: { inputTokens: 7, outputTokens: 3 } });
    const bytes = Buffer.concat([said, told]);
    const type = [["content-type", "application/vnd.amazon.eventstream"]] as const;
    gateway.backends.answer(200, bodyOf(said, told), type);
    const target = "/model/amazon.nova-pro-v1%3A0/converse-stream";
    const { body } = await serve(gateway, { target, body: "{}" });
    expect((await bytesOf(body)).equals(bytes)).toBe(true);
    expect(uses(gateway)).toMatchObject([
      { provenance: "reported", tokens: TOKENS, model: "amazon.nova-pro-v1:0" },
    ]);
    const record = gateway.records.find(({ event }) => event === "request.ended");
    expect(record).toMatchObject({ operation: "chat", firstByteMs: expect.any(Number) });
  });

  it("comes with records that last to an answer's end, and say when it began and why it ended", async () => {
    const gateway = open({ Host2: "" });
    gateway.backends.answer(
      200,
      (async function* () {
        await gateway.clock.advance(300);
        yield* bodyOf(say("Hi"));
        await gateway.clock.advance(700);
        yield* bodyOf(STOP, TOLD, DONE);
      })(),
      SSE,
    );
    await textOf((await serve(gateway)).body);
    const [call, request] = ["attempt.ended", "request.ended"].map((name) =>
      gateway.records.find(({ event }) => event === name),
    );
    expect(call).toMatchObject({ tookMs: 0, firstChunkMs: 300, totalMs: 1000 });
    for (const record of [call, request]) {
      expect(record).toMatchObject({ responseId: "c", finishReasons: ["stop"] });
    }
  });

  it("looks into no answer whose backend's parser reads nothing", async () => {
    const gateway = open({ Host1: "host=http://a.test;processor=DefaultStream", Host2: "" });
    gateway.backends.answer(200, JSON.stringify({ usage: USAGE }), JSON_TYPE);
    await textOf((await serve(gateway)).body);
    const plain = open();
    const header = [["TOKENPROCESSOR", "InlineParser"]] as const;
    plain.backends.answer(200, JSON.stringify({ usage: USAGE }), [...JSON_TYPE, ...header]);
    await textOf((await serve(plain)).body);
    expect([...uses(gateway), ...uses(plain)].map(({ provenance }) => provenance)).toEqual([
      "unknown",
      "unknown",
    ]);
  });

  it("reaches the ledger through its queue", async () => {
    const gateway = open();
    gateway.backends.answer(200, JSON.stringify({ model: "gpt-4o", usage: USAGE }), JSON_TYPE);
    await textOf((await serve(gateway)).body);
    await gateway.services.usage.outbox?.flush();
    for (const message of [...gateway.usageMessages, ...gateway.usageMessages]) {
      await countUsage(gateway.services, message);
    }
    const rows = [...gateway.ledgerTable.rows.values()].filter(
      ({ events }) => events !== undefined,
    );
    expect(rows).toMatchObject([{ user: "ann", model: "gpt-4o", events: 1n, totalTokens: 10n }]);
  });
});

describe("the wish for usage", () => {
  const answer = say("Hi", { usage: null }) + STOP + TOLD + DONE;
  const asIfUnasked = say("Hi") + STOP + DONE;

  it("is put into a stream's request, and its traces are taken out of the answer", async () => {
    const gateway = open();
    gateway.backends.answer(200, answer, [...SSE, ["content-length", String(answer.length)]]);
    const { body, headers } = await serve(gateway);
    expect(await textOf(body)).toBe(asIfUnasked);
    expect(headers.map(([name]) => name)).not.toContain("content-length");
    const [call] = gateway.backends.calls;
    expect(JSON.parse(bodyTextOf(call))).toMatchObject({ stream_options: { include_usage: true } });
    expect(call?.headers).toContainEqual(["accept-encoding", "identity"]);
    expect(uses(gateway)).toMatchObject([{ provenance: "reported", tokens: TOKENS }]);
  });

  it("goes along with a model's name of its backend's own", async () => {
    const gateway = open({ Host1: "host=http://a.test;model=deployed", Host2: "" });
    gateway.backends.answer(200, answer, SSE);
    expect(await textOf((await serve(gateway)).body)).toBe(asIfUnasked);
    expect(JSON.parse(bodyTextOf(gateway.backends.calls[0]))).toMatchObject({
      model: "deployed",
      stream_options: { include_usage: true },
    });
  });

  it("leaves all as it is where the client asked, or the settings say no", async () => {
    const asking = open();
    asking.backends.answer(200, answer, SSE);
    const body = '{"stream":true,"stream_options":{"include_usage":true}}';
    expect(await textOf((await serve(asking, { body })).body)).toBe(answer);
    const off = open({ GATEWAY_USAGE_INCLUDE: "false" });
    off.backends.answer(200, answer, SSE);
    expect(await textOf((await serve(off)).body)).toBe(answer);
    expect([bodyTextOf(asking.backends.calls[0]), bodyTextOf(off.backends.calls[0])]).toEqual([
      body,
      CHAT.body,
    ]);
  });

  it("is not said to a backend whose answers nobody is to read", async () => {
    const gateway = open({ Host1: "host=http://a.test;processor=Inline", Host2: "" });
    gateway.backends.answer(200, answer, SSE);
    expect(await textOf((await serve(gateway)).body)).toBe(answer);
    expect(bodyTextOf(gateway.backends.calls[0])).toBe(CHAT.body);
    expect(uses(gateway)).toMatchObject([{ provenance: "unknown" }]);
  });

  it("is not said again to a backend that refuses requests for it", async () => {
    const gateway = open({ Host2: "" });
    const refusal =
      '{"error":{"message":"Unrecognized request argument supplied: stream_options"}}';
    gateway.backends.answer(400, refusal, JSON_TYPE);
    gateway.backends.answer(200, asIfUnasked, SSE);
    expect(await textOf((await serve(gateway)).body)).toBe(asIfUnasked);
    expect(await textOf((await serve(gateway)).body)).toContain("");
    expect(
      gateway.backends.calls.map((call) => bodyTextOf(call).includes("include_usage")),
    ).toEqual([true, false, false]);
    expect(gateway.backends.discarded).toBe(1);
    expect(uses(gateway).map(({ kind }) => kind)).toEqual(["answer", "answer"]);
  });

  it("passes every other refusal on", async () => {
    const gateway = open();
    gateway.backends.answer(400, '{"error":{"code":"content_filter"}}', JSON_TYPE);
    const { status, body } = await serve(gateway);
    expect([status, await textOf(body)]).toEqual([400, '{"error":{"code":"content_filter"}}']);
    expect(gateway.backends.calls).toHaveLength(1);
  });

  it("survives a retry at another backend", async () => {
    const gateway = open();
    gateway.backends.answer(503);
    gateway.backends.answer(200, answer, SSE);
    expect(await textOf((await serve(gateway)).body)).toBe(asIfUnasked);
  });
});
