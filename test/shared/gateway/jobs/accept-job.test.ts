import { describe, expect, it } from "vitest";
import { headerValue } from "../../../../shared/core/headers.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { createGateway, fakeEngine, requestTo } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";

const asJob = [["S7PAsyncMode", "true"]] as const;

describe("a request that asks to be a job", () => {
  it("is answered 202 with the place where its job is found", async () => {
    const gateway = createGateway();
    const request = requestTo(gateway, { headers: asJob });
    const { status, headers, body } = await handleRequest(gateway.services, request, fakeEngine());
    expect(status).toBe(202);
    expect(headerValue(headers, "location")).toBe("/jobs/request-1");
    expect(headerValue(headers, "retry-after")).toBe("1");
    const links = {
      self: "/jobs/request-1",
      result: "/jobs/request-1/result",
      events: "/jobs/request-1/events",
      stream: "/jobs/request-1/stream",
    };
    expect(headerValue(headers, "x-Data-Blob-URI")).toBe(links.result);
    expect(headerValue(headers, "x-Header-Blob-URI")).toBe(links.self);
    expect(JSON.parse(await textOf(body))).toEqual({
      Message: expect.stringContaining("accepted for async processing"),
      UserId: "defaultUser",
      MID: "request-1",
      Guid: "request-1",
      Status: 202,
      Timestamp: new Date(gateway.clock.now()).toISOString(),
      DataBlobUri: links.result,
      HeaderBlobUri: links.self,
      id: "request-1",
      state: "queued",
      links,
    });
  });

  it("is stored before it is answered: body, then engine, then row", async () => {
    const gateway = createGateway({ GATEWAY_MESSAGING_INLINE_BYTES: "1" });
    const order: string[] = [];
    const engine = fakeEngine();
    const { write } = gateway.work;
    gateway.work.write = async (...blob) => {
      order.push(`blob ${blob[0]}`);
      await write.apply(gateway.work, blob);
    };
    const { transact } = gateway.table;
    gateway.table.transact = async (changes) => {
      order.push(`rows ${changes.map(({ row }) => row.rowKey)}`);
      return transact.call(gateway.table, changes);
    };
    engine.start.mockImplementation(async (jobId) => order.push(`engine ${jobId}`) > 0);
    const request = requestTo(gateway, { headers: asJob, body: "question" });
    const { status } = await handleRequest(gateway.services, request, engine);
    expect([...order, status]).toEqual([
      "blob jobs/request-1/request",
      "engine request-1",
      "rows job,event-0001",
      202,
    ]);
  });

  it("tells the engine what it needs to own the job", async () => {
    const gateway = createGateway({ GATEWAY_JOBS_MAX_ATTEMPTS: "7" });
    const engine = fakeEngine();
    const headers = [...asJob, ["S7PTTL", "60"]] as const;
    await handleRequest(gateway.services, requestTo(gateway, { headers }), engine);
    expect(engine.start).toHaveBeenCalledExactlyOnceWith("request-1", {
      jobId: "request-1",
      expiresAt: gateway.clock.now() + 60_000,
      maxAttempts: 7,
      reconcileMs: 30_000,
      firstLookMs: 75_000,
    });
  });

  it("is never promised when anything of it could not be kept", async () => {
    const breaks = [
      (gateway: ReturnType<typeof createGateway>) => {
        gateway.work.isAway = true;
      },
      (gateway: ReturnType<typeof createGateway>) => {
        gateway.table.isAway = true;
      },
    ];
    for (const breakIt of breaks) {
      const gateway = createGateway({ GATEWAY_MESSAGING_INLINE_BYTES: "1" });
      const engine = fakeEngine();
      breakIt(gateway);
      const request = requestTo(gateway, { headers: asJob, body: "question" });
      expect((await handleRequest(gateway.services, request, engine)).status).toBe(503);
      expect([gateway.table.rows.size, gateway.bus.sent]).toEqual([0, []]);
    }
  });

  it("is not promised when the engine does not take it", async () => {
    const gateway = createGateway();
    const engine = fakeEngine();
    engine.start.mockRejectedValue(new Error("engine is away"));
    const response = await handleRequest(
      gateway.services,
      requestTo(gateway, { headers: asJob }),
      engine,
    );
    expect(response.status).toBe(500);
    expect(await textOf(response.body)).not.toContain("engine is away");
    expect(gateway.table.rows.size).toBe(0);
  });

  it("keeps no credential in clear", async () => {
    const gateway = createGateway();
    const headers = [...asJob, ["Authorization", "Bearer secret-7f3a"]] as const;
    await handleRequest(gateway.services, requestTo(gateway, { headers }), fakeEngine());
    expect(JSON.stringify([...gateway.table.rows])).not.toContain("secret-7f3a");
  });

  it("is refused where the app serves no jobs", async () => {
    const gateway = createGateway({ GATEWAY_ROLE: "stream" });
    const request = requestTo(gateway, { headers: asJob });
    expect((await handleRequest(gateway.services, request, undefined)).status).toBe(501);
  });
});
