import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectGateway, type Gateway } from "../../../local/replay/gateway.ts";
import { HttpFetch } from "../../../local/replay/http-fetch.ts";
import type { PlannedRequest } from "../../../local/replay/plan-request.ts";
import { serveRequest } from "../../../local/replay/serve-request.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeGateway, json } from "./fake-gateway.ts";

const ASYNC: PlannedRequest = {
  number: 1,
  dueMs: 0,
  mode: "async",
  priorityClass: 2,
  userId: "replay-01",
  contextTokens: 1,
  generatedTokens: 1,
};
const NEVER = new AbortController().signal;
const WITHIN = { timeout: 50_000 };

describe("a request's patience", () => {
  let fake: FakeGateway;
  let http: HttpFetch;
  let clock: FakeClock;
  let gateway: Gateway;

  beforeEach(async () => {
    fake = new FakeGateway();
    await fake.listen();
    http = new HttpFetch();
    clock = new FakeClock();
    gateway = connectGateway({ url: fake.url, model: "m" }, { clock, http });
  });

  afterEach(async () => {
    http.close();
    await fake.close();
  });

  it("asks after a job when Retry-After says, and not before", async () => {
    fake.answerWith((_, response) => {
      const location = "/jobs/a-replay-01";
      if (fake.seen.length === 1) json(response, 202, {}, { location, "retry-after": "3" });
      if (fake.seen.length === 2) json(response, 202, { state: "queued" }, { "retry-after": "7" });
      if (fake.seen.length === 3) json(response, 200, { state: "succeeded" });
      return fake.seen.length <= 3;
    });
    const outcome = serveRequest(gateway, ASYNC, NEVER);
    // The request's own deadline is one timer, the wait for the next poll another.
    await vi.waitUntil(() => clock.pending === 2, WITHIN);
    await clock.advance(2999);
    expect(clock.pending).toBe(2);
    await clock.advance(1);
    await vi.waitUntil(() => fake.seen.length === 2 && clock.pending === 2, WITHIN);
    await clock.advance(6999);
    expect(clock.pending).toBe(2);
    await clock.advance(1);
    expect(await outcome).toMatchObject({ kind: "answered" });
    expect(fake.seen.map(({ path }) => path)).toEqual([
      "/v1/chat/completions",
      "/jobs/a-replay-01",
      "/jobs/a-replay-01",
      "/jobs/a-replay-01/result",
    ]);
    expect(clock.pending).toBe(0);
  });

  it("does not ask without pause when Retry-After is zero", async () => {
    fake.answerWith(({ path }, response) => {
      if (path.startsWith("/v1/")) {
        json(response, 202, {}, { location: "/jobs/a-replay-01", "retry-after": "0" });
      } else if (!path.endsWith("/result")) json(response, 200, { state: "succeeded" });
      return !path.endsWith("/result");
    });
    const outcome = serveRequest(gateway, ASYNC, NEVER);
    await vi.waitUntil(() => clock.pending === 2, WITHIN);
    await clock.advance(49);
    expect(clock.pending).toBe(2);
    await clock.advance(1);
    expect(await outcome).toMatchObject({ kind: "answered" });
  });

  it.each(["stream", "queued", "async"] as const)(
    "ends ten minutes after a %s request was sent",
    async (mode) => {
      fake.answerWith(() => true);
      const outcome = serveRequest(gateway, { ...ASYNC, mode }, NEVER);
      await vi.waitUntil(() => fake.seen.length === 1, WITHIN);
      await clock.advance(600_000);
      expect(await outcome).toEqual({
        kind: "failed",
        failure: { kind: "timeout", message: "Not answered in 10 minutes." },
      });
    },
  );

  it("ends while a stream stands still", async () => {
    fake.answerWith((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(": waiting\n\n");
      return true;
    });
    const outcome = serveRequest(gateway, { ...ASYNC, mode: "stream" }, NEVER);
    await vi.waitUntil(() => fake.seen.length === 1, WITHIN);
    await clock.advance(600_000);
    expect(await outcome).toMatchObject({ kind: "failed", failure: { kind: "timeout" } });
  });
});
