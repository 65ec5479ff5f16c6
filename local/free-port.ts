import { once } from "node:events";
import { createServer } from "node:net";

// Below where systems take the ports of outgoing connections from (Linux from 32768, others from
// 49152), any of which may hold a port that is free for the moment, as while its owner restarts.
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;

/** A port that was free a moment ago: for a part whose address others know before it listens, and keep while it is started again. */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/** The first of so many free ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - count - FIRST_PORT));
    const row = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(row.map(isFree));
    if (free.every(Boolean)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
