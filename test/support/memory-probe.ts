import { createServer } from "node:net";
import { setImmediate as turn } from "node:timers/promises";

/**
 * Loaded into a stack's processes before anything else; the host's then tells how many bytes it
 * holds that no collection can free, to each who connects.
 */
function listen(): void {
  const server = createServer((socket) => {
    // Its peer is a test, which may have ended.
    socket.on("error", () => {});
    liveBytes().then(
      (bytes) => socket.end(String(bytes)),
      () => socket.destroy(),
    );
  });
  server.listen({ path: probePath(process.pid), exclusive: true });
  server.unref();
}

async function liveBytes(): Promise<number> {
  globalThis.gc?.();
  // Buffers whose owners were collected are swept behind.
  await turn();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The address of the probe in a process: an abstract one, which ends with the process. */
export function probePath(pid: number): string {
  return `\0gateway-memory-${pid}`;
}

/** What a stack is started with so that its host can be asked. */
export const MEMORY_PROBE = {
  NODE_OPTIONS: `--expose-gc --import=${import.meta.url}`,
};

const [, entry = "", part] = process.argv;
if (entry.endsWith("service-entry.ts") && part === "host") listen();
