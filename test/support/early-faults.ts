import { chunkOf, headOf, type RawScript, sent } from "./raw-backend.ts";

/** What a backend may do that leaves nothing to deliver. */
export const EARLY_FAULTS: readonly (readonly [does: string, script: RawScript])[] = [
  ["resets", ({ socket }) => void socket.resetAndDestroy()],
  ["closes within its headers", ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nX: ")],
  ["speaks something else", ({ socket }) => void socket.end("SSH-2.0-OpenSSH\r\n\r\n")],
  [
    "sends headers without end",
    async ({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      while (!socket.destroyed) await sent(socket, `X-Endless: ${"x".repeat(1000)}\r\n`);
    },
  ],
  [
    "sends less JSON than it says",
    ({ socket }) =>
      void socket.end(
        `${headOf("200 OK", "Content-Type: application/json", "Content-Length: 9")}{`,
      ),
  ],
  [
    "breaks the chunks of its JSON",
    ({ socket }) =>
      void socket.end(
        `${headOf("200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked")}${chunkOf("{")}zz`,
      ),
  ],
];
