import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../shared/core/clock.ts";
import { StartError } from "../service.ts";

const HOST = "127.0.0.1";

/** Listens on the port, 0 for a free one, and returns the port taken. */
export async function listen(server: Server, port: number, what: string): Promise<number> {
  try {
    server.listen(port, HOST);
    await once(server, "listening");
  } catch (error) {
    throw new StartError(sentenceFor(error, port, what), { cause: error });
  }
  return (server.address() as AddressInfo).port;
}

function sentenceFor(error: unknown, port: number, what: string): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const name = `Port ${port}, where the local storage listens for ${what},`;
  const advice = "Set LOCAL_STORAGE_PORT to the first of three free ports.";
  if (code === "EADDRINUSE") {
    return `${name} is taken. Stop what uses it, or choose others: ${advice}`;
  }
  if (code === "EACCES") return `${name} is not open to this user. ${advice}`;
  return `${name} cannot be used (${code}). ${advice}`;
}

/** Stops accepting, lets running requests end for `graceMs`, then cuts off what is left. */
export async function stopListening(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cancelCutOff = systemClock.schedule(graceMs, () => server.closeAllConnections());
  await closed;
  cancelCutOff();
}
