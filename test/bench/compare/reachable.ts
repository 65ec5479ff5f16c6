import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const PROBE_MS = 50;

/** Whether something listens on a port before the time is over. */
export async function answersWithin(port: number, limitMs: number): Promise<boolean> {
  for (const endsAt = performance.now() + limitMs; performance.now() < endsAt; ) {
    if (await isOpen(port)) return true;
    await pause(PROBE_MS);
  }
  return false;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
