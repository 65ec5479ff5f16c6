import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type FixtureHost, startFixture } from "./start-fixture.ts";

/** Sends raw bytes and reads until the answer holds `until`, or the connection ends. */
async function exchange(url: string, text: string, until: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setEncoding("utf8");
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) {
    answer += chunk;
    if (answer.includes(until)) break;
  }
  socket.destroy();
  return answer;
}

describe.each([
  { name: "streaming", env: {}, options: {} },
  { name: "streaming over the hop", env: {}, options: { httpMode: "proxy" as const } },
  { name: "buffering", env: { STREAMING: "false" }, options: {} },
])("a $name host with a request body limit of 1000 bytes", ({ env, options }) => {
  let host: FixtureHost;

  beforeAll(async () => {
    host = await startFixture("behaviours", {
      options,
      env: { ...env, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "1000" },
    });
  });
  afterAll(() => host.stop());

  it("takes a body of just that size", async () => {
    const response = await fetch(`${host.url}/readsAll`, {
      method: "POST",
      body: "x".repeat(1000),
    });
    expect(await response.json()).toEqual({ length: 1000 });
  });

  it("answers 413 to an announced body that is larger, and says the limit", async () => {
    const response = await fetch(`${host.url}/readsAll`, {
      method: "POST",
      body: "x".repeat(1001),
    });
    expect(response.status).toBe(413);
    expect(await response.text()).toContain("1000 bytes");
  });

  it("answers 413 to a chunked body that outgrows it, and never shows the handler a part of it", async () => {
    const request = httpRequest(`${host.url}/readsAll`, { method: "POST" });
    request.on("error", () => {});
    request.write("x".repeat(900));
    request.write("x".repeat(900));
    request.end("the end");
    const [response] = await once(request, "response");
    expect(response.statusCode).toBe(413);
    response.resume();
    await once(response, "end");
    // Elsewhere the body may not have reached the handler at all.
    if ("STREAMING" in env || "httpMode" in options) return;
    await eventually(async () => {
      const seen = await (await fetch(`${host.url}/events`)).json();
      const { events } = seen as { events: string[] };
      return events.some((event) => event.startsWith("read failed")) || undefined;
    });
  });

  it("serves on after a 413", async () => {
    const response = await fetch(`${host.url}/logs`);
    expect(response.status).toBe(204);
  });
});

describe("the host's HTTP server", () => {
  let host: FixtureHost;

  beforeAll(async () => {
    host = await startFixture("behaviours", { env: { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "1000" } });
  });
  afterAll(() => host.stop());

  const head = (line: string, headers: string[] = []): string =>
    [line, `Host: ${new URL(host.url).host}`, ...headers, "", ""].join("\r\n");

  it("asks for the body of a client that expects 100-continue", async () => {
    const request = httpRequest(`${host.url}/readsAll`, {
      method: "POST",
      headers: { expect: "100-continue", "content-length": "5" },
    });
    request.flushHeaders();
    await once(request, "continue");
    request.end("hello");
    const [response] = await once(request, "response");
    expect(JSON.parse((await response.setEncoding("utf8").toArray()).join(""))).toEqual({
      length: 5,
    });
  });

  it("refuses a too large body before it is sent when the client expects 100-continue", async () => {
    const answer = await exchange(
      host.url,
      head("POST /readsAll HTTP/1.1", ["Expect: 100-continue", "Content-Length: 5000"]),
      "bytes.",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).not.toContain("100 Continue");
  });

  it("answers several requests on one connection", async () => {
    const twice = `${head("GET /cookies HTTP/1.1")}${head("GET /throws HTTP/1.1")}`;
    const answer = await exchange(host.url, twice, "500 Internal");
    expect(answer).toMatch(/200 OK[\s\S]*500 Internal Server Error/);
  });

  it("takes the absolute form of a request target as proxies send it", async () => {
    const answer = await exchange(
      host.url,
      head("GET http://elsewhere/cookies?a=1 HTTP/1.1"),
      "with cookies",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it("answers 400 to a host header that cannot be part of a URL", async () => {
    const answer = await exchange(host.url, "GET /cookies HTTP/1.1\r\nHost: a b\r\n\r\n", "valid");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("answers 404 in words where no function listens, also for a method that none takes", async () => {
    const unknown = await fetch(`${host.url}/nowhere`);
    expect([unknown.status, await unknown.text()]).toEqual([
      404,
      "Not Found: no function serves GET /nowhere\n",
    ]);
    const wrongMethod = await fetch(`${host.url}/upload`);
    expect(wrongMethod.status).toBe(404);
  });

  it("sends headers only to HEAD, when a function takes it", async () => {
    const echo = await startFixture("echo");
    const response = await fetch(`${echo.url}/api/echo/x`, { method: "HEAD" });
    expect([response.status, response.headers.get("x-reply"), await response.text()]).toEqual([
      201,
      "yes",
      "",
    ]);
    await echo.stop();
  });
});

describe("settings of host.json for HTTP", () => {
  it("limit what may be under way, and add headers to every function's answer", async () => {
    const http = "AzureFunctionsJobHost__extensions__http__";
    const host = await startFixture("behaviours", {
      env: {
        [`${http}maxOutstandingRequests`]: "1",
        [`${http}customHeaders__X-Content-Type-Options`]: "nosniff",
      },
    });
    const slow = fetch(`${host.url}/slow`);
    const refused = await eventually(async () => {
      const response = await fetch(`${host.url}/cookies`);
      await response.text();
      return response.status === 429 || undefined;
    });
    expect(refused).toBe(true);
    expect((await slow).status).toBe(500);
    const answer = await fetch(`${host.url}/cookies`);
    expect([answer.status, answer.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
    await host.stop();
  });
});
