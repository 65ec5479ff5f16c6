import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { buffer } from "node:stream/consumers";

/** A request as a backend saw it. */
export interface SeenRequest {
  method: string;
  target: string;
  rawHeaders: string[];
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** A backend whose answers a test writes, and which remembers what it was asked. */
export interface TestBackend extends AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[];
}

/** Starts a backend on a free port. The handler runs when the request's body is complete. */
export async function startBackend(
  handler: (request: SeenRequest, response: Parameters<RequestListener>[1]) => void,
): Promise<TestBackend> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const entry = {
      method: request.method ?? "",
      target: request.url ?? "",
      rawHeaders: request.rawHeaders,
      headers: request.headers,
      body,
    };
    seen.push(entry);
    handler(entry, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
