import { describe, expect, it } from "vitest";
import { countUsage } from "../../../../shared/gateway/index.ts";
import { settle } from "../../../support/fake-clock.ts";
import type { TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";
import {
  broken,
  type Change,
  chunk,
  DONE,
  JSON_TYPE,
  open,
  SSE,
  STOP,
  say,
  serve,
  TOKENS,
  USAGE,
  uses,
} from "./usage-calls.ts";

describe("an answer that its provider keeps", () => {
  const GET = { method: "GET", target: "/v1/responses/resp_1", body: "" } as const;
  const shown = (status: string, more: object = {}): string =>
    JSON.stringify({
      ...{ id: "resp_1", object: "response", created_at: 1_700_000_000, status, model: "gpt-4o" },
      ...{ usage: status === "completed" ? USAGE : null, ...more },
    });
  /** Asks and is answered, one after the other, and counts what was noted; gives the ledger's rows. */
  async function counted(gateway: TestGateway, asked: readonly (readonly [Change, string])[]) {
    for (const [change, text] of asked) {
      gateway.backends.answer(200, text, JSON_TYPE);
      await textOf((await serve(gateway, change)).body);
      gateway.clock.advance(86_400_000);
    }
    await gateway.services.usage.outbox?.flush();
    for (const message of gateway.usageMessages) await countUsage(gateway.services, message);
    const rows = [...gateway.ledgerTable.rows.values()].filter(({ totalTokens }) => totalTokens);
    return rows.map(({ events, totalTokens, hourAt }) => ({ events, totalTokens, hourAt }));
  }

  it("counts when it is given, and not again when it is shown", async () => {
    const gateway = open();
    const post = { target: "/v1/responses" };
    const asked = [
      [post, shown("completed")],
      [GET, shown("completed")],
      [{ ...GET, target: "/v1/chat/completions/c1?x=1" }, shown("completed")],
      [{ target: "/v1/chat/completions/c1", body: '{"metadata":{}}' }, shown("completed")],
      [{ ...GET, target: "/v1/threads/t/runs/r/steps/s" }, shown("completed")],
    ] as const;
    expect(await counted(gateway, asked)).toMatchObject([{ events: 1n, totalTokens: 10n }]);
    expect(uses(gateway).map(({ provenance }) => provenance)).toEqual([
      "reported",
      ...Array<string>(4).fill("unknown"),
    ]);
    const told = gateway.records.filter(({ event }) => event === "request.ended");
    expect(told.map(({ tokens }) => tokens)).toEqual([TOKENS, ...Array(4).fill(undefined)]);
  });

  it("counts once where it was made in the background, whenever and however often it is shown", async () => {
    const gateway = open();
    const background = { background: true };
    const asked = [
      [{ target: "/v1/responses" }, shown("queued", background)],
      [GET, shown("in_progress", { ...background, usage: { total_tokens: 0 } })],
      [GET, shown("completed", background)],
      [GET, shown("completed", background)],
      [GET, shown("completed", background)],
    ] as const;
    const hourAt = "2023-11-14T22:00:00.000Z";
    expect(await counted(gateway, asked)).toEqual([{ events: 1n, totalTokens: 10n, hourAt }]);
    const lags = gateway.events.filter(({ event }) => event === "usage.counted");
    // Late is what was noted late, and not what was begun long ago.
    for (const { lagMs } of lags) expect(lagMs).toBeLessThanOrEqual(6 * 86_400_000);
  });

  it("counts for whom it was begun, and is not estimated for who left its stream", async () => {
    const gateway = open();
    const event = (type: string, status: string, more = {}): string =>
      `data: ${JSON.stringify({ type, ...more, response: JSON.parse(shown(status, { background: true, usage: null })) })}\n\n`;
    const delta = `data: ${JSON.stringify({ type: "response.output_text.delta", delta: "one two" })}\n\n`;
    gateway.backends.answer(200, broken(event("response.created", "queued"), delta), SSE);
    const { body } = await serve(gateway, { target: "/v1/responses" });
    const pieces = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await pieces.next();
    await pieces.next();
    await pieces.return?.();
    await settle();
    gateway.backends.answers.length = 0;
    const bob = [["X-UserID", "bob"]] as const;
    const asked = [[{ ...GET, headers: bob }, shown("completed", { background: true })]] as const;
    expect(await counted(gateway, asked)).toMatchObject([{ events: 1n, totalTokens: 10n }]);
    expect(gateway.uses).toMatchObject([
      { user: "ann", tokens: undefined },
      { user: "bob", tokens: TOKENS },
    ]);
    const rows = [...gateway.ledgerTable.rows.values()].filter(({ events }) => events);
    expect(new Set(rows.map(({ user }) => user))).toEqual(new Set(["ann"]));
  });

  it("is told as its provider's own path tells it where that keeps nothing", async () => {
    const gateway = open();
    const asked = [[{ ...GET, target: "/v1/whatever" }, shown("completed")]] as const;
    expect(await counted(gateway, asked)).toMatchObject([{ events: 1n, totalTokens: 10n }]);
  });
});

describe("an estimate", () => {
  it("is of the prompt alone where a stream was left before anything had come", async () => {
    const gateway = open({ Host2: "" });
    gateway.backends.answer(200, broken(": keep-alive\n\n", "data: never\n\n"), SSE);
    const pieces = ((await serve(gateway)).body as AsyncIterable<Uint8Array>)[
      Symbol.asyncIterator
    ]();
    await pieces.next();
    await pieces.return?.();
    await settle();
    expect(uses(gateway)).toMatchObject([
      { kind: "answer", provenance: "partial", tokens: { inputTokens: 1, outputTokens: 0 } },
    ]);
  });

  it("is no less than what a backend had told on its way", async () => {
    const gateway = open({ Host2: "" });
    const thought = { prompt_tokens: 5, completion_tokens: 90, total_tokens: 95 };
    gateway.backends.answer(200, broken(say("one two", { usage: thought })), SSE);
    await expect(textOf((await serve(gateway)).body)).rejects.toThrow();
    await settle();
    expect(uses(gateway)).toMatchObject([
      { provenance: "partial", tokens: { inputTokens: 5, outputTokens: 90, totalTokens: 95 } },
    ]);
  });

  it("is of the prompt alone for embeddings that tell nothing", async () => {
    const gateway = open({ Host2: "" });
    gateway.backends.answer(200, '{"embedding":{"values":[0.5]}}', JSON_TYPE);
    const target = "/v1beta/models/gemini-embedding-001:embedContent";
    const body = '{"content":{"parts":[{"text":"three short words"}]}}';
    await textOf((await serve(gateway, { target, body })).body);
    await settle();
    expect(uses(gateway)).toMatchObject([
      { provenance: "estimated", tokens: { inputTokens: 3, outputTokens: 0, totalTokens: 3 } },
    ]);
  });

  it.each([
    ["in memory", 300_000],
    ["outside of memory", 3_000_000],
  ])("takes a picture in a long prompt %s for one, not for its bytes", async (_, bytes) => {
    const gateway = open({ GATEWAY_USAGE_INCLUDE: "false", Host2: "" });
    gateway.backends.answer(200, say("one two") + STOP + DONE, SSE);
    const url = `data:image/png;base64,${Buffer.alloc(bytes, "any bytes?").toString("base64")}`;
    const content = [{ type: "image_url", image_url: { url } }];
    const body = JSON.stringify({ stream: true, messages: [{ role: "user", content }] });
    await textOf((await serve(gateway, { body })).body);
    await settle();
    const [use] = uses(gateway);
    expect(use).toMatchObject({ provenance: "estimated", tokens: { outputTokens: 2 } });
    const { inputTokens } = { inputTokens: 0, ...use?.tokens };
    expect(inputTokens).toBeGreaterThan(500);
    expect(inputTokens).toBeLessThan(2000);
  });

  it("that could not be made leaves the answer unknown, and is told of", async () => {
    const gateway = open({ GATEWAY_USAGE_INCLUDE: "false", Host2: "" });
    const { counter } = gateway;
    counter.isFull = true;
    gateway.backends.answer(200, say("one two") + STOP + DONE, SSE);
    await textOf((await serve(gateway)).body);
    await settle();
    expect(uses(gateway)).toMatchObject([{ kind: "answer", provenance: "unknown" }]);
    const told = gateway.events.filter(({ event }) => event === "usage.unestimated");
    expect(told).toMatchObject([{ level: "warning", requestId: "request-1" }]);
  });

  it("is made of no refusal", async () => {
    const gateway = open();
    gateway.backends.answer(400, '{"error":{"content":"words of a refusal"}}', JSON_TYPE);
    await textOf((await serve(gateway)).body);
    await settle();
    expect(uses(gateway)).toMatchObject([{ status: 400, provenance: "unknown" }]);
    expect(uses(gateway)[0]).not.toHaveProperty("tokens");
  });

  it("stands for what a backend does not tell, and in part for what was left or broke", async () => {
    const gateway = open({ GATEWAY_USAGE_INCLUDE: "false", Host2: "" });
    gateway.backends.answer(200, say("one two") + say(" three") + STOP + DONE, SSE);
    gateway.backends.answer(200, broken(say("one two"), say(" three")), SSE);
    await textOf((await serve(gateway)).body);
    await expect(textOf((await serve(gateway)).body)).rejects.toThrow();
    await settle();
    // One word is asked.
    expect(uses(gateway)).toMatchObject([
      { kind: "answer", provenance: "estimated", tokens: { inputTokens: 1, outputTokens: 3 } },
      { kind: "attempt", provenance: "partial", tokens: { totalTokens: 4 } },
    ]);
  });

  it("takes the place of no count that a backend told, not even of zero", async () => {
    const gateway = open();
    const zero = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    gateway.backends.answer(
      200,
      say("a b c") + STOP + chunk({ choices: [], usage: zero }) + DONE,
      SSE,
    );
    await textOf((await serve(gateway)).body);
    expect(uses(gateway)).toMatchObject([
      { provenance: "reported", tokens: { inputTokens: 0, outputTokens: 0, totalTokens: 0 } },
    ]);
  });
});
