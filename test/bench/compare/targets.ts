import { hostPid } from "../../support/host-memory.ts";
import { startStack } from "../../support/stack.ts";
import { startBareFunction } from "./bare-function.ts";
import { startServer } from "./child.ts";
import { startNginx } from "./nginx.ts";
import type { LoadTarget } from "./orders.ts";
import { startPortkey } from "./portkey.ts";

/** What is measured, ready to serve. */
export interface Target extends LoadTarget, AsyncDisposable {
  readonly name: TargetName;
  /** The processes whose memory counts as its. */
  readonly pids: readonly number[];
}

export const TARGET_NAMES = [
  "backend",
  "bare proxy",
  "empty function",
  "proxy function",
  "gateway",
  "nginx",
  "portkey",
] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** Starts what stands in front of the backend; a text says why it cannot be had here. */
export async function startTarget(
  name: Exclude<TargetName, "backend">,
  backendPort: number,
): Promise<Target | string> {
  const origin = `http://127.0.0.1:${backendPort}`;
  switch (name) {
    case "bare proxy":
      return bareProxy(origin);
    case "empty function":
      return functionApp(name);
    case "proxy function":
      return functionApp(name, origin);
    case "gateway":
      return gateway(origin);
    case "nginx":
      return startNginx(backendPort);
    case "portkey":
      return startPortkey(origin);
  }
}

async function bareProxy(origin: string): Promise<Target> {
  const child = await startServer("bare-proxy.ts", [origin]);
  return {
    name: "bare proxy",
    port: child.port,
    headers: [],
    pids: [child.pid],
    async [Symbol.asyncDispose]() {
      child[Symbol.dispose]();
    },
  };
}

async function functionApp(name: TargetName, origin?: string): Promise<Target> {
  const child = await startBareFunction(origin);
  return {
    name,
    port: Number(new URL(child.facts.url).port),
    headers: [],
    pids: [child.pid],
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

// Nobody is to wait for a slot: it is transport that is measured.
const SLOTS = "2000";

/** The whole stack as a user starts it; its memory is that of the process in which the app runs. */
async function gateway(origin: string): Promise<Target> {
  const stack = await startStack({
    env: {
      GATEWAY_SYNC_MODE: "direct",
      Workers: SLOTS,
      MaxQueueLength: SLOTS,
      Host1: `host=${origin};mode=direct;path=/`,
    },
  });
  return {
    name: "gateway",
    port: Number(new URL(stack.url).port),
    headers: [],
    pids: [hostPid(stack)],
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}
