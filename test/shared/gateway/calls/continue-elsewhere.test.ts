import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { settle } from "../../../support/fake-clock.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";

const SSE = [["content-type", "text/event-stream"]] as const;
const say = (content: string, id: string): string =>
  `data: ${JSON.stringify({ id, choices: [{ index: 0, delta: { content } }] })}\n\n`;
const DONE = "data: [DONE]\n\n";

function open(env: Record<string, string> = {}): TestGateway {
  return createGateway({
    GATEWAY_SYNC_MODE: "direct",
    GATEWAY_BACKENDS_MIDSTREAM: "verify",
    Host1: "host=http://a.test;mode=direct",
    Host2: "host=http://b.test;mode=direct;tier=2",
    Workers: "1",
    ...env,
  });
}

async function* breaking(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
  throw new BackendFailure("idle-timeout", "silent", { mayHaveBegun: true });
}

const serve = (gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) =>
  handleRequest(gateway.services, requestTo(gateway, change), undefined);

/** What a response gives until it ends or breaks. */
async function readOut(body: unknown): Promise<{ text: string; isBroken: boolean }> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) pieces.push(piece);
    return { text: Buffer.concat(pieces).toString(), isBroken: false };
  } catch {
    return { text: Buffer.concat(pieces).toString(), isBroken: true };
  }
}

const hostsOf = ({ backends }: TestGateway): string[] => backends.calls.map(({ host }) => host.id);

function expectNothingHeld({ services, clock }: TestGateway): void {
  const inFlight = services.pool.backends.map((backend) => backend.view(0).inFlight);
  expect([services.slots.running, clock.pending, ...inFlight]).toEqual([0, 0, 0, 0]);
}

describe("a stream whose backend breaks", () => {
  it("goes on from another in the same slot, and says so in the log", async () => {
    const gateway = open();
    gateway.backends.answer(200, breaking(say("Hel", "one")), SSE);
    gateway.backends.answer(200, say("Hello", "two") + DONE, SSE);
    const { body } = await serve(gateway);
    expect(await textOf(body as AsyncIterable<Uint8Array>)).toBe(
      say("Hel", "one") + say("lo", "one") + DONE,
    );
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
    expect(gateway.events).toEqual([
      expect.objectContaining({ event: "stream.continued", outcome: "joined", backend: "Host2" }),
    ]);
    const [, again] = gateway.backends.calls;
    expect(Object.fromEntries(again?.headers ?? [])["x-PolicyCycleCounter"]).toBe("1");
    expectNothingHeld(gateway);
  });

  it("ends in the clear error where the other says something else", async () => {
    const gateway = open();
    gateway.backends.answer(200, breaking(say("Hel", "one")), SSE);
    gateway.backends.answer(200, say("Hallo", "two") + DONE, SSE);
    const { text, isBroken } = await readOut((await serve(gateway)).body);
    expect(isBroken).toBe(true);
    expect(text).toMatch(
      /^data: [^\n]*Hel[^\n]*\n\n(:\n\n)*\n\nevent: error\ndata: .*backend-timeout/,
    );
    expect(gateway.backends.discarded).toBeGreaterThan(0);
    expectNothingHeld(gateway);
  });

  it.each<[string, Record<string, string>]>([
    ["its host does not want it", { Host1: "host=http://a.test;mode=direct;midstream=error" }],
    ["it has no attempts left", { MaxAttempts: "1" }],
    ["its class may not use the other", { GATEWAY_ROUTING_SPILL: "*=never" }],
    ["there is no other", { Host2: "host=http://b.test;mode=direct;priorities=1" }],
  ])("is asked for nowhere else when %s", async (_, env) => {
    const gateway = open(env);
    gateway.backends.answer(200, breaking(say("Hel", "one")), SSE);
    const { text, isBroken } = await readOut((await serve(gateway)).body);
    expect([isBroken, hostsOf(gateway)]).toEqual([true, ["Host1"]]);
    expect(text).toContain("event: error");
    expectNothingHeld(gateway);
  });

  it("is asked for nowhere else when its request was too large to be kept in memory", async () => {
    const gateway = open();
    gateway.backends.answer(200, breaking(say("Hel", "one")), SSE);
    const { body } = await serve(gateway, { body: Buffer.alloc(1024 * 1024 + 1, "a") });
    const { isBroken } = await readOut(body);
    expect([isBroken, hostsOf(gateway)]).toEqual([true, ["Host1"]]);
    expectNothingHeld(gateway);
  });

  it("waits for another no longer than it has time to live", async () => {
    const gateway = open();
    gateway.backends.answer(200, breaking(say("Hel", "one")), SSE);
    gateway.backends.silence();
    const { body } = await serve(gateway, { headers: [["S7PTTL", "5"]] });
    const reading = readOut(body);
    await gateway.clock.advance(4999);
    expect(gateway.services.slots.running).toBe(1);
    await gateway.clock.advance(1);
    expect((await reading).isBroken).toBe(true);
    expect(gateway.events).toMatchObject([
      { event: "stream.continued", outcome: "unanswered" },
      { event: "response.broken" },
    ]);
    expectNothingHeld(gateway);
  });

  it("takes no answer for its continuation that is none", async () => {
    const gateway = open();
    gateway.backends.answer(200, breaking(say("Hel", "one")), SSE);
    gateway.backends.answer(200, '{"whole":true}', [["content-type", "application/json"]]);
    const { text, isBroken } = await readOut((await serve(gateway)).body);
    expect([isBroken, text.includes("whole")]).toEqual([true, false]);
    expectNothingHeld(gateway);
  });

  it("ends with its client, also while another backend is asked", async () => {
    const gateway = open();
    gateway.backends.answer(200, breaking(say("Hel", "one")), SSE);
    gateway.backends.silence();
    const leaving = new AbortController();
    const { body } = await serve(gateway, { closed: leaving.signal });
    const reading = readOut(body);
    await settle();
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
    leaving.abort(new Error("gone"));
    await reading;
    expect(gateway.backends.calls[1]?.signal.aborted).toBe(true);
    expectNothingHeld(gateway);
  });
});
