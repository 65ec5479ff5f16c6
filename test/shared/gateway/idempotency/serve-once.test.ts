import { describe, expect, it } from "vitest";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import {
  createGateway,
  fakeEngine,
  requestTo,
  type TestGateway,
} from "../../../support/gateway.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

const KEYED: HeaderList = [["Idempotency-Key", "key-1"]];

const open = (): TestGateway => createGateway({ GATEWAY_SYNC_MODE: "direct" });

const begin = (gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) =>
  handleRequest(
    gateway.services,
    requestTo(gateway, { headers: KEYED, body: "question", ...change }),
    undefined,
  );

async function serve(gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) {
  const { status, headers, body } = await begin(gateway, change);
  return { status, headers, text: await textOf(body) };
}

describe("a request with an idempotency key", () => {
  it("gets the same answer again, from one call, and is told so", async () => {
    const gateway = open();
    gateway.backends.answer(201, bodyOf("a", "b"), [["X-A", "1"]]);
    const first = await serve(gateway);
    const second = await serve(gateway, { id: "request-2" });
    expect(first.headers).toContainEqual(["x-S7P-ID", "request-1"]);
    expect(second).toEqual({
      ...first,
      headers: [...first.headers, ["idempotency-replayed", "true"]],
    });
    expect(gateway.backends.calls).toHaveLength(1);
  });

  it("joins the one that runs", async () => {
    const gateway = open();
    const answered = Promise.withResolvers<void>();
    gateway.backends.answers.push(async () => {
      await answered.promise;
      return { status: 200, headers: [], body: bodyOf("answer"), discard: () => {} };
    });
    const first = serve(gateway);
    const second = serve(gateway, { id: "request-2" });
    await gateway.clock.advance(1000);
    answered.resolve();
    expect((await first).text).toBe("answer");
    await gateway.clock.advance(1000);
    expect((await second).text).toBe("answer");
    expect(gateway.backends.calls).toHaveLength(1);
  });

  it("waits for the one that runs no longer than it may", async () => {
    const gateway = open();
    gateway.backends.silence();
    void serve(gateway);
    const headers = [...KEYED, ["S7PTTL", "2"]] as const;
    const second = serve(gateway, { id: "request-2", headers });
    await gateway.clock.advance(2000);
    expect((await second).status).toBe(412);
  });

  it("is refused with another body, path or method", async () => {
    const gateway = open();
    gateway.backends.answer(200);
    await serve(gateway);
    for (const change of [{ body: "other" }, { target: "/other" }, { method: "PUT" }]) {
      expect((await serve(gateway, change)).status).toBe(422);
    }
  });

  it("is another caller's own", async () => {
    const gateway = open();
    gateway.backends.answer(200, "for all");
    gateway.backends.answer(200, "for ann");
    await serve(gateway);
    const headers = [...KEYED, ["X-UserID", "ann"]] as const;
    expect((await serve(gateway, { headers })).text).toBe("for ann");
  });

  it.each([429, 500, 503])(
    "runs again after a %d, which may be better next time",
    async (status) => {
      const gateway = open();
      gateway.backends.answer(status, "busy");
      gateway.backends.answer(200, "fine");
      await serve(gateway);
      expect((await serve(gateway)).text).toBe("fine");
    },
  );

  it("runs again after an answer that nobody read to its end", async () => {
    for (const isBegun of [true, false]) {
      const gateway = open();
      gateway.backends.answer(200, bodyOf("a", "b"));
      gateway.backends.answer(200, "whole");
      const body = (await begin(gateway)).body as AsyncGenerator<Uint8Array>;
      if (isBegun) await body.next();
      await body.return(undefined);
      await gateway.clock.advance(0);
      expect(gateway.services.slots.running).toBe(0);
      expect((await serve(gateway)).text).toBe("whole");
    }
  });

  it("runs again after it failed", async () => {
    const gateway = open();
    gateway.backends.refuse();
    gateway.backends.answer(200, "fine");
    expect((await serve(gateway)).status).toBe(502);
    expect((await serve(gateway)).text).toBe("fine");
  });

  it.each(["whole", "streamed"])("gets a %s answer that cannot be kept", async (form) => {
    const gateway = open();
    gateway.backends.answers.push(() => {
      gateway.table.isAway = true;
      return { status: 200, headers: [], body: bodyOf("answer"), discard: () => {} };
    });
    const method = form === "whole" ? "HEAD" : "POST";
    const { status, text } = await serve(gateway, { method });
    expect([status, text]).toEqual([200, form === "whole" ? "" : "answer"]);
    expect(gateway.services.slots.running).toBe(0);
  });

  it("passes on a failure though the key cannot be given back", async () => {
    const gateway = open();
    gateway.backends.answers.push(() => {
      gateway.table.isAway = true;
      return { status: 503, headers: [], body: bodyOf("busy"), discard: () => {} };
    });
    expect(await serve(gateway)).toMatchObject({ status: 503, text: "busy" });
    expect(gateway.services.slots.running).toBe(0);
  });

  it.each(["", " ", "x".repeat(256), "a\u0007"])("is refused with the key %j", async (key) => {
    const gateway = open();
    gateway.backends.answer(200);
    expect((await serve(gateway, { headers: [["Idempotency-Key", key]] })).status).toBe(400);
  });

  it("may use its key anew a day later", async () => {
    const gateway = open();
    gateway.backends.answer(200, "today");
    gateway.backends.answer(200, "tomorrow");
    await serve(gateway);
    await gateway.clock.advance(24 * 3_600_000 + 1);
    expect((await serve(gateway)).text).toBe("tomorrow");
  });
});

const LONG: HeaderList = [...KEYED, ["S7PTTL", "3600"]];
const AS_JOB: HeaderList = [...KEYED, ["S7PAsyncMode", "true"]];

/** Sends a request that becomes a job at once; `id` is what it would be called if it came first. */
async function startJob(gateway: TestGateway, id: string, engine = fakeEngine()) {
  const request = requestTo(gateway, { id, headers: AS_JOB, body: "question" });
  const { status, body } = await handleRequest(gateway.services, request, engine);
  return { status, job: JSON.parse(await textOf(body)).id, started: engine.start.mock.calls };
}

describe("a request for a job with an idempotency key", () => {
  it("goes on with the job of one that broke off before the engine had it", async () => {
    const gateway = open();
    const engine = fakeEngine();
    engine.start.mockRejectedValueOnce(new Error("killed"));
    expect((await startJob(gateway, "request-1", engine)).status).toBe(500);
    const second = await startJob(gateway, "request-2");
    expect(second).toMatchObject({ status: 202, job: "request-1" });
    expect(second.started).toEqual([
      ["request-1", expect.objectContaining({ jobId: "request-1" })],
    ]);
    expect(await gateway.services.jobs?.store.read("request-2")).toBeUndefined();
  });

  it("does not wait for one of which nothing is heard any more", async () => {
    const gateway = open();
    const engine = fakeEngine();
    engine.start.mockImplementation(() => new Promise(() => {}));
    void startJob(gateway, "request-1", engine);
    await expect.poll(() => engine.start).toHaveBeenCalled();
    expect(await startJob(gateway, "request-2")).toMatchObject({ status: 202, job: "request-1" });
  });

  it("is not waited for by one that asks for no job", async () => {
    const gateway = open();
    const engine = fakeEngine();
    engine.start.mockRejectedValueOnce(new Error("killed"));
    await startJob(gateway, "request-1", engine);
    const direct = serve(gateway, { id: "request-2", headers: LONG });
    for (let seconds = 0; seconds < 17; seconds++) await gateway.clock.advance(1000);
    expect(await direct).toMatchObject({ status: 422 });
    expect(gateway.backends.calls).toEqual([]);
  });

  it("makes no second job after the first request's time to live", async () => {
    const gateway = open();
    const engine = fakeEngine();
    engine.start.mockRejectedValueOnce(new Error("killed"));
    await startJob(gateway, "request-1", engine);
    await gateway.clock.advance(3_600_000);
    expect(await startJob(gateway, "request-2")).toMatchObject({ status: 202, job: "request-1" });
  });

  it("starts nothing anew when the job has ended meanwhile", async () => {
    const gateway = open();
    const { jobs } = gateway.services;
    if (!jobs) throw new Error("There are no jobs.");
    const { insert } = jobs.store;
    // The row stands, and the process dies before anybody hears of it.
    jobs.store.insert = async (job) => {
      await insert.call(jobs.store, job);
      jobs.store.insert = insert;
      throw new Error("killed");
    };
    await startJob(gateway, "request-1");
    const outcome = { state: "succeeded", endedAt: gateway.clock.now(), attempt: 1 } as const;
    await gateway.services.jobs?.store.commitOutcome("request-1", outcome);
    expect(await startJob(gateway, "request-2")).toMatchObject({ job: "request-1", started: [] });
  });
});
