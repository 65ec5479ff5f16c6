import { createServer, type Server } from "node:net";

/** A port that is known before anything serves on it. */
export interface PortReservation {
  readonly port: number;
  /** What to pass to `listen`: a port, or a socket that holds a free port already. */
  readonly handle: number | Server;
  release(): void;
}

/**
 * The app must know the host's address when it loads, and nothing may listen before it has loaded.
 * A given port is just named; a free one is held by a socket, unknown to everyone, until it is used.
 */
export async function reservePort(port: number): Promise<PortReservation> {
  if (port !== 0) return { port, handle: port, release: () => {} };
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address() as { port: number };
  return { port: address.port, handle: server, release: () => server.close() };
}
