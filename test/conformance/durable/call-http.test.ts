import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as df from "durable-functions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DurableApp, startDurableApp } from "../../support/durable-app.ts";
import { durableDir } from "../../support/durable-dir.ts";
import { waitForEnd } from "../../support/wait-for-status.ts";

df.app.orchestration("calling", function* (context) {
  const response: { statusCode: number; content?: string } = yield context.df.callHttp(
    context.df.getInput() as df.CallHttpOptions,
  );
  const after: string = yield context.df.callActivity("afterwards", response.statusCode);
  return { status: response.statusCode, content: response.content, after };
});
df.app.activity("afterwards", { handler: (status: number) => `after ${status}` });

const seen: string[] = [];
const routes: Record<string, (response: ServerResponse) => void> = {
  "POST /teapot": (response) => response.writeHead(418).end("short and stout"),
  "POST /start": (response) =>
    response.writeHead(202, { Location: "/status/1", "Retry-After": "0" }).end(),
  "GET /status/1": (response) =>
    response.writeHead(202, { Location: "/status/2", "Retry-After": "0" }).end(),
  "GET /status/2": (response) => response.end("finished"),
  "GET /odd": (response) => response.writeHead(202, { Location: "http://[" }).end("no poll"),
};

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += chunk;
  seen.push(`${request.method} ${request.url} ${body}`.trim());
  routes[`${request.method} ${request.url}`]?.(response);
}

const dir = durableDir();
let app: DurableApp;
let backend: Server;
let url: string;
beforeAll(async () => {
  app = await startDurableApp({ dataDir: dir.path });
  backend = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await app.close();
  await new Promise((resolve) => {
    backend.close(resolve);
    backend.closeAllConnections();
  });
  dir[Symbol.dispose]();
});

async function outcome(input: unknown) {
  return waitForEnd(app.client, await app.client.startNew("calling", { input }));
}

describe("callHttp", () => {
  it("returns the response, whatever its status", async () => {
    const { output } = await outcome({ method: "POST", url: `${url}/teapot`, body: { a: 1 } });
    expect(output).toEqual({ status: 418, content: "short and stout", after: "after 418" });
    expect(seen).toContain('POST /teapot {"a":1}');
  });

  it("polls the Location of a 202, each time at the newest, and keeps count of its tasks", async () => {
    const { output } = await outcome({ method: "POST", url: `${url}/start` });
    expect(output).toEqual({ status: 200, content: "finished", after: "after 200" });
    expect(seen.slice(-3)).toEqual(["POST /start", "GET /status/1", "GET /status/2"]);
  });

  it("returns the 202 itself when polling is switched off", async () => {
    const { output } = await outcome({
      method: "POST",
      url: `${url}/start`,
      enablePolling: false,
    });
    expect(output).toMatchObject({ status: 202 });
  });

  it("does not poll a Location that is no URL", async () => {
    const { output } = await outcome({ method: "GET", url: `${url}/odd` });
    expect(output).toMatchObject({ status: 202, content: "no poll" });
  });

  it("fails the orchestrator when nobody answers", async () => {
    const { output } = await outcome({ method: "GET", url: "http://127.0.0.1:1/" });
    expect(output).toContain("BuiltIn::HttpActivity");
  });

  it("refuses a token source by name", async () => {
    const tokenSource = new df.ManagedIdentityTokenSource("https://a.example");
    const { output } = await outcome({ method: "GET", url, tokenSource });
    expect(output).toContain("does not emulate callHttp with a token source");
  });
});
