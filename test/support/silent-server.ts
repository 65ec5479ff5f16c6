import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/** Takes every connection and never says a word: what a service behind a broken network looks like. */
export async function silentServer(): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on("error", () => {})));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      const isClosed = once(server, "close");
      for (const socket of sockets) socket.destroy();
      server.close();
      await isClosed;
    },
  };
}
