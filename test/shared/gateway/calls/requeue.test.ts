import { describe, expect, it } from "vitest";
import { settle } from "../../../support/fake-clock.ts";
import type { TestGateway } from "../../../support/gateway.ts";
import { hostsOf, openPair, serve } from "../../../support/serving.ts";
import { bodyOf } from "../../../support/streams.ts";

const open = (env: Record<string, string> = {}): TestGateway =>
  openPair({ Workers: "1", Host2: "", ...env });

const asksAgain = (gateway: TestGateway, ...headers: [string, string][]): void =>
  gateway.backends.answer(429, "later", [["S7PREQUEUE", "True"], ...headers]);

const headerOf = (gateway: TestGateway, call: number, name: string): string | undefined =>
  gateway.backends.calls[call]?.headers.find(([key]) => key === name)?.[1];

describe("a request that a backend wants again", () => {
  it("is sent again after the wait that was asked for, and not before (V56)", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "500"]);
    gateway.backends.answer(200, "fine");
    const serving = serve(gateway);
    await gateway.clock.advance(499);
    expect(gateway.backends.calls).toHaveLength(1);
    await gateway.clock.advance(1);
    const { status, text, headers } = await serving;
    expect([status, text]).toEqual([200, "fine"]);
    expect(headers).toContainEqual(["x-attempts", "2"]);
    expect(headers).toContainEqual(["x-request-queue-duration", "500"]);
    expect(gateway.clock.pending).toBe(0);
  });

  it("waits no longer than the first of its backends asks (V57)", async () => {
    const gateway = open({ Host2: "http://backend-2.test" });
    asksAgain(gateway, ["retry-after-ms", "5000"]);
    asksAgain(gateway, ["retry-after-ms", "400"]);
    gateway.backends.answer(200);
    const serving = serve(gateway);
    await gateway.clock.advance(400);
    expect((await serving).status).toBe(200);
  });

  it.each([
    ["seconds", 3000, (): [string, string] => ["retry-after", "3"]],
    [
      "a date",
      3000,
      (g: TestGateway): [string, string] => [
        "Retry-After",
        new Date(g.clock.now() + 3000).toUTCString(),
      ],
    ],
    ["nothing that can be read", 1000, (): [string, string] => ["retry-after", "soon"]],
  ])("waits as long as %s says, which is %d ms (V60)", async (_, waitMs, header) => {
    const gateway = open();
    asksAgain(gateway, header(gateway));
    gateway.backends.answer(200);
    const serving = serve(gateway);
    await gateway.clock.advance(waitMs - 1);
    expect(gateway.backends.calls).toHaveLength(1);
    await gateway.clock.advance(1);
    expect((await serving).status).toBe(200);
  });

  it("holds no slot while it waits (V58)", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "2000"]);
    gateway.backends.answer(200, "second");
    const first = serve(gateway);
    await settle();
    expect(gateway.services.slots.running).toBe(0);
    expect((await serve(gateway, { id: "request-2" })).text).toBe("second");
    await gateway.clock.advance(2000);
    expect((await first).status).toBe(200);
  });

  it("tells the backend which request it is, and how often it has been sent (V61)", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "60"]);
    asksAgain(gateway, ["retry-after-ms", "60"], ["x-PolicyCycleCounter", "7"]);
    gateway.backends.answer(200);
    const serving = serve(gateway, { headers: [["x-policycyclecounter", "99"]] });
    await gateway.clock.advance(120);
    await serving;
    const seen = [0, 1, 2].map((call) => headerOf(gateway, call, "x-PolicyCycleCounter"));
    expect(seen).toEqual(["0", "1", "7"]);
    expect(headerOf(gateway, 0, "x-policycyclecounter")).toBeUndefined();
    expect([0, 1, 2].map((call) => headerOf(gateway, call, "x-S7P-ID"))).toEqual(
      Array(3).fill("request-1"),
    );
  });

  it("is seen by the backend under the same path each time (V62)", async () => {
    const gateway = open({ Host1: "host=http://a.test;path=/chat" });
    asksAgain(gateway, ["retry-after-ms", "60"]);
    gateway.backends.answer(200);
    const serving = serve(gateway, { target: "/chat/x" });
    await gateway.clock.advance(60);
    await serving;
    expect(gateway.backends.calls.map(({ target }) => target)).toEqual(["/x", "/x"]);
  });

  it("is served before those of its class that came after it (V59)", async () => {
    const gateway = open();
    const served: string[] = [];
    const blocker = Promise.withResolvers<void>();
    asksAgain(gateway, ["retry-after-ms", "300"]);
    gateway.backends.answers.push(async ({ headers }) => {
      const id = headers.find(([name]) => name === "x-S7P-ID")?.[1] ?? "";
      if (id === "blocker") await blocker.promise;
      served.push(id);
      return { status: 200, headers: [], body: bodyOf("ok"), discard() {} };
    });
    const all = [serve(gateway, { id: "R1" })];
    await settle();
    all.push(serve(gateway, { id: "blocker" }));
    await gateway.clock.advance(100);
    for (const id of ["R2", "R3", "R4", "R5"]) all.push(serve(gateway, { id }));
    await gateway.clock.advance(300);
    blocker.resolve();
    await Promise.all(all);
    expect(served).toEqual(["blocker", "R1", "R2", "R3", "R4", "R5"]);
  });

  it("is not sent in a tight loop, however little its backend asks for", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "0"]);
    const serving = serve(gateway, { headers: [["S7PTTL", "1"]] });
    await gateway.clock.advance(1000);
    expect((await serving).status).toBe(429);
    expect(gateway.backends.calls.length).toBe(20);
  });

  it("is judged by what its backends say when it comes again, not before", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "100"]);
    gateway.backends.answer(500, "broken");
    const serving = serve(gateway);
    await gateway.clock.advance(100);
    expect(await serving).toMatchObject({ status: 500, text: "broken" });
  });

  it("does not wait for a time that is beyond its own", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after", "60"]);
    const answer = await serve(gateway, { headers: [["S7PTTL", "5"]] });
    expect(answer).toMatchObject({ status: 429, text: "later" });
    expect(answer.headers).toContainEqual(["retry-after", "60"]);
  });

  it("ends at its deadline or with its client, whatever it waits for", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after", "60"]);
    const leaving = new AbortController();
    const serving = serve(gateway, { closed: leaving.signal });
    await settle();
    leaving.abort(new Error("gone"));
    await serving;
    expect(gateway.backends.calls).toHaveLength(1);
    expect([gateway.clock.pending, gateway.services.pool.room.waiting]).toEqual([0, 0]);
  });

  it("does not come back to a backend that was silent", async () => {
    const gateway = open({ Host2: "http://backend-2.test" });
    gateway.backends.silence();
    for (let n = 0; n < 4; n++) asksAgain(gateway, ["retry-after-ms", "100"]);
    gateway.backends.answer(200);
    const serving = serve(gateway, { headers: [["S7PTimeout", "1000"]] });
    await gateway.clock.advance(1400);
    expect((await serving).status).toBe(200);
    expect(hostsOf(gateway)).toEqual(["Host1", ...Array(5).fill("Host2")]);
  });
});

describe("another round after a back-off", () => {
  it("is none where it would begin after the deadline: what backends said is the answer, at once", async () => {
    const gateway = openPair({ IterationMode: "multipass" });
    gateway.backends.answer(503);
    const serving = serve(gateway, { headers: [["S7PTTL", "0.05"]] });
    await settle();
    expect((await serving).status).toBe(503);
    expect(hostsOf(gateway)).toHaveLength(2);
    expect(gateway.clock.pending).toBe(0);
  });
});
