import { once } from "node:events";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** A backend that understands nothing but HTTP/2, and answers each request with its path. */
export async function startHttp2Backend(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createSecureServer(TEST_CERTIFICATE);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {}).on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, { ":path": path = "" }) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    stream.end(path);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
