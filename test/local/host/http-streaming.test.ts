import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type FixtureHost, startFixture } from "./start-fixture.ts";

const MEGABYTE = 1_048_576;

interface Seen {
  events: string[];
  flood: { chunks: number; mostBuffered: number };
}

const events = async (host: FixtureHost) =>
  (await (await fetch(`${host.url}/events`)).json()) as Seen;

const opened = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
  });

describe.each([
  { name: "past the proxy", options: {} },
  { name: "over the proxy hop", options: { httpMode: "proxy" as const } },
])("streaming $name", ({ options }) => {
  let host: FixtureHost;

  beforeAll(async () => {
    host = await startFixture("behaviours", { options });
  });
  afterAll(() => host.stop());

  it("hands every uploaded chunk to the handler as it comes", async () => {
    const request = httpRequest(`${host.url}/upload`, { method: "POST" });
    const response = opened(request);
    for (const chunk of ["one", "two", "three"]) {
      request.write(chunk);
      await eventually(
        async () => (await events(host)).events.includes(`arrived: ${chunk}`) || undefined,
      );
    }
    request.end();
    const body = await (await response).setEncoding("utf8").toArray();
    expect(JSON.parse(body.join(""))).toEqual(["one", "two", "three"]);
  });

  it("lets the app see that a client has gone", async () => {
    const request = httpRequest(`${host.url}/endless`);
    request.end();
    const response = await opened(request);
    response.on("error", () => {});
    request.on("error", () => {});
    await new Promise((resolve) => response.once("data", resolve));
    request.destroy();
    const seen = await eventually(async () => {
      const { events: list } = await events(host);
      return list.includes("source stopped") ? list : undefined;
    });
    expect(seen.slice(-3)).toEqual(["response found: true", "client gone: true", "source stopped"]);
  });

  it("lets the app feel the back-pressure of a client that stalls", async () => {
    const request = httpRequest(`${host.url}/flood`);
    request.end();
    const response = await opened(request);
    response.on("error", () => {});
    request.on("error", () => {});
    response.pause();
    // Stalled for good: nothing came in between two looks, though there is far more to send.
    let before = 0;
    const { flood } = await eventually(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const seen = await events(host);
      if (seen.flood.chunks === before && before > 0) return seen;
      before = seen.flood.chunks;
      return undefined;
    });
    expect(flood.chunks).toBeLessThan(4000);
    expect(flood.mostBuffered).toBeGreaterThan(0);
    expect(flood.mostBuffered).toBeLessThan(MEGABYTE);
    request.destroy();
  });

  it("keeps the invocation id from clients", async () => {
    const response = await fetch(`${host.url}/cookies`);
    await response.text();
    expect(response.headers.has("x-ms-invocation-id")).toBe(false);
  });
});

describe("the two ways of streaming", () => {
  it("show the handler exactly the same request, and the client the same response", async () => {
    const requests: [string, RequestInit][] = [
      ["/api/echo/a%20b/c%2Fd/?x=1&x=2&y=%41", {}],
      ["/api/ECHO", { headers: { "x-Mixed-Case": "Value", accept: "a/b" } }],
      ["/api/echo/body", { method: "POST", body: JSON.stringify({ deep: [1, "ü"] }) }],
      ["/api/echo/empty", { method: "POST" }],
      ["/api/echo/put", { method: "PUT", body: "text", headers: { "content-type": "text/x" } }],
      ["/api/echo/head", { method: "HEAD" }],
      ["/api/echo/deleted", { method: "DELETE" }],
      ["/api/echo/id", { headers: { "x-ms-invocation-id": "mine", "x-forwarded-host": "evil" } }],
    ];
    const views = [];
    for (const httpMode of ["bypass", "proxy"] as const) {
      const host = await startFixture("echo", { options: { httpMode } });
      const seen = [];
      for (const [path, init] of requests) {
        const response = await fetch(`${host.url}${path}`, init);
        const headers = Object.fromEntries(response.headers);
        delete headers["date"];
        const text = (await response.text()).replaceAll(new URL(host.url).host, "HOST");
        seen.push({ path, status: response.status, headers, text });
      }
      views.push(seen);
      await host.stop();
    }
    expect(views[0]).toEqual(views[1]);
    expect(views[0]?.[0]).toMatchObject({ status: 201 });
    expect(JSON.parse(views[0]?.[0]?.text ?? "")).toMatchObject({
      url: "http://HOST/api/echo/a%20b/c%2Fd/?x=1&x=2&y=%41",
      params: { rest: "a b/c%2Fd/" },
      query: [
        ["x", "1"],
        ["x", "2"],
        ["y", "A"],
      ],
    });
    expect(JSON.parse(views[0]?.[7]?.text ?? "").headers).toMatchObject({
      "x-forwarded-host": "evil",
      "x-ms-invocation-id": "mine",
    });
  });
});
