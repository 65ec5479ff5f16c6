import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { HttpFetch } from "../../../local/replay/http-fetch.ts";

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const http = new HttpFetch();
  onTestFinished(() => {
    http.close();
    server.closeAllConnections();
    server.close();
  });
  return { http, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b=c` };
}

describe("the replay's fetch", () => {
  it("sends method, headers and text, and gives status, every header and body", async () => {
    const { http, url } = await serve(async (request, response) => {
      const body = await request.toArray();
      response.writeHead(
        418,
        [
          ["x-echo", `${request.method} ${request.url} ${request.headers["x-a"]}`],
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ].flat(),
      );
      response.end(Buffer.concat(body).toString().toUpperCase());
    });
    const init = { method: "POST", headers: { "X-A": "1" }, body: "h\u00e9llo" };
    const response = await http.fetch(url, init);
    expect(response.status).toBe(418);
    expect(response.headers.get("x-echo")).toBe("POST /a?b=c 1");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe("H\u00c9LLO");
  });

  it("gives an answer without a body", async () => {
    const { http, url } = await serve((_, response) => response.writeHead(204).end());
    expect((await http.fetch(url)).body).toBeNull();
  });

  it("takes a new connection for every request", async () => {
    const { http, url } = await serve((request, response) =>
      response.end(`${request.socket.remotePort}`),
    );
    const portOf = async () => (await http.fetch(url)).text();
    expect(await portOf()).not.toBe(await portOf());
  });

  it("ends with its signal, before the answer and in the middle of it", async () => {
    const { http, url } = await serve((_, response) => {
      response.writeHead(200);
      response.write("half");
    });
    const aborted = http.fetch(url, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    const controller = new AbortController();
    const response = await http.fetch(url, { signal: controller.signal });
    controller.abort();
    await expect(response.text()).rejects.toThrow();
  });

  it("never takes half a body for a whole one", async () => {
    const { http, url } = await serve((_, response) => {
      response.writeHead(200, { "content-length": "10" });
      response.write("half", () => response.destroy());
    });
    const response = await http.fetch(url);
    await expect(response.text()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("refuses a body that is no text", async () => {
    const { http, url } = await serve((_, response) => response.end());
    const sending = async () => http.fetch(url, { method: "POST", body: new FormData() });
    await expect(sending()).rejects.toThrow("text bodies only");
  });
});
