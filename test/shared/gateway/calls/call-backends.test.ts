import { describe, expect, it } from "vitest";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { bodyTextOf } from "../../../support/fake-backends.ts";
import { createGateway, requestTo } from "../../../support/gateway.ts";
import { hostsOf, openPair, serve } from "../../../support/serving.ts";
import { textOf } from "../../../support/streams.ts";

describe("the search for a backend", () => {
  it("tries the next one after a failure, with the same body", async () => {
    const gateway = openPair();
    gateway.backends.answer(500, "broken");
    gateway.backends.answer(200, "fine");
    expect(await serve(gateway, { body: "question" })).toMatchObject({ status: 200, text: "fine" });
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
    const bodies = gateway.backends.calls.map(bodyTextOf);
    expect(bodies).toEqual(["question", "question"]);
    expect(gateway.backends.discarded).toBe(1);
  });

  it("passes a verdict on the request on, and asks nobody else", async () => {
    const gateway = openPair();
    gateway.backends.answer(400, '{"error":"content_filter"}');
    expect(await serve(gateway)).toMatchObject({ status: 400, text: '{"error":"content_filter"}' });
    expect(hostsOf(gateway)).toEqual(["Host1"]);
  });

  it("hands on, body and all, the answer that asks for the shortest wait where all ask for one (V54)", async () => {
    const gateway = openPair();
    gateway.backends.answer(429, "first", [["retry-after", "1"]]);
    gateway.backends.answer(429, "second", [["retry-after", "7"]]);
    const answer = await serve(gateway);
    expect(answer).toMatchObject({ status: 429, text: "first" });
    expect(answer.headers).toContainEqual(["retry-after", "1"]);
    expect(gateway.backends.discarded).toBe(1);
    expect(gateway.services.slots.running).toBe(0);
  });

  it("says 502 where they disagree, and discards every answer", async () => {
    const gateway = openPair();
    gateway.backends.answer(500);
    gateway.backends.answer(404);
    const { status, text } = await serve(gateway);
    expect(status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({ code: "backend-failed" });
    expect(gateway.backends.discarded).toBe(2);
  });

  it("names no backend to the client, but does in the log", async () => {
    const gateway = openPair();
    gateway.backends.refuse();
    const { status, text } = await serve(gateway);
    expect(status).toBe(502);
    expect(text).not.toMatch(/backend-\d|ECONNREFUSED|Host\d/);
    expect(gateway.events).toMatchObject([
      { event: "attempt.failed", backend: "Host1", status: 502 },
      { event: "attempt.failed", backend: "Host2", status: 502 },
    ]);
  });

  it("gives each attempt its own time, and says 408 when all were silent", async () => {
    const gateway = openPair();
    gateway.backends.silence();
    const serving = serve(gateway, { headers: [["S7PTimeout", "1000"]] });
    await gateway.clock.advance(999);
    expect(hostsOf(gateway)).toEqual(["Host1"]);
    await gateway.clock.advance(1);
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
    await gateway.clock.advance(1000);
    const { status, text } = await serving;
    expect([status, JSON.parse(text).code]).toEqual([408, "backend-timeout"]);
    expect(gateway.clock.pending).toBe(0);
  });

  it("limits only the time to the first byte of an answer", async () => {
    const gateway = openPair();
    gateway.backends.answer(200);
    const request = requestTo(gateway, { headers: [["S7PTimeout", "1000"]] });
    const { body } = await handleRequest(gateway.services, request, undefined);
    await gateway.clock.advance(10_000);
    expect(gateway.backends.calls[0]?.signal.aborted).toBe(false);
    expect(await textOf(body)).toBe("ok");
  });

  it("tries no more than it may", async () => {
    const gateway = openPair({ MaxAttempts: "1" });
    gateway.backends.answer(500);
    await serve(gateway);
    expect(hostsOf(gateway)).toEqual(["Host1"]);
  });

  it("stops when the client leaves between attempts", async () => {
    const gateway = openPair();
    const leaving = new AbortController();
    gateway.backends.answers.push(() => {
      leaving.abort(new Error("gone"));
      throw new Error("connection reset");
    });
    await serve(gateway, { closed: leaving.signal });
    expect(hostsOf(gateway)).toEqual(["Host1"]);
  });

  it("says 404 where no backend serves the path", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "direct", Host1: "host=a.test;path=/api" });
    const { status, text } = await serve(gateway, { target: "/other" });
    expect([status, JSON.parse(text).code]).toEqual([404, "no-route"]);
  });

  it("takes a status that HTTP does not have for a broken backend", async () => {
    const gateway = openPair();
    gateway.backends.answer(999);
    expect((await serve(gateway)).status).toBe(502);
    expect(gateway.backends.discarded).toBe(2);
  });
});
