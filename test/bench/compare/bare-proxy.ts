import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, type Dispatcher } from "undici";

/**
 * The least that a proxy of this kind can be: node's server, undici, and what HTTP demands (hop-by-hop
 * fields, back-pressure, the client's leaving). What a gateway is measured against. The request body is
 * passed on as it comes.
 */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "te"]);
const origin = String(process.argv[2]);
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

function forward(request: IncomingMessage, response: ServerResponse): void {
  let upstream: Dispatcher.DispatchController | undefined;
  response.once("close", () => {
    if (!response.writableFinished) upstream?.abort(new Error("The client left."));
  });
  agent.dispatch(
    {
      origin,
      path: request.url ?? "/",
      method: (request.method ?? "GET") as Dispatcher.HttpMethod,
      headers: endToEnd(request.rawHeaders, "host"),
      body: request,
    },
    {
      onRequestStart: (controller) => {
        upstream = controller;
      },
      onResponseStart: (controller, status) => {
        if (status < 200) return;
        const raw = controller.rawHeaders;
        response.writeHead(status, endToEnd(Array.isArray(raw) ? raw.map(String) : []));
      },
      onResponseData: (controller, chunk) => {
        if (response.write(chunk)) return;
        controller.pause();
        response.once("drain", () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  );
}

function endToEnd(raw: readonly string[], dropped = ""): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    if (!HOP_BY_HOP.has(name) && name !== dropped) kept.push(raw[at] ?? "", raw[at + 1] ?? "");
  }
  return kept;
}

const server = createServer({ noDelay: true }, forward);
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  process.send?.((server.address() as { port: number }).port);
});
process.on("disconnect", () => process.exit(0));
