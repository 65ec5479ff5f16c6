import type { Socket } from "node:net";

/** Gathers what is written to a socket in this tick into one system call. */
export function corkForTick(socket: Socket): void {
  if (socket.writableCorked > 0 || socket.destroyed) return;
  socket.cork();
  // rhea writes its frames on the next tick, from a callback that is queued before this one.
  process.nextTick(() => socket.uncork());
}
