import type { Socket } from "node:net";
import { expect } from "vitest";
import {
  chunkOf,
  headOf,
  LAST_CHUNK,
  type RawBackend,
  type RawScript,
  startRawBackend,
} from "../support/raw-backend.ts";
import { connectTo, type RawClient, requestFor } from "../support/raw-client.ts";
import { startStack, type TestStack } from "../support/stack.ts";

/** What the backend answers where a test says nothing else. */
export const OK = `${headOf("200 OK", "Content-Length: 2")}ok`;

const WORKERS = 4;

/** A stack before a backend that does as it is told and one that is silent. */
export interface TransportWorld extends AsyncDisposable {
  readonly stack: TestStack;
  readonly backend: RawBackend;
  readonly silent: RawBackend;
  /** A path whose requests are answered by the script. */
  path(script: RawScript): string;
  /** Sends a request, byte for byte. */
  ask(text: string): Promise<RawClient>;
  /** The head of the last request that the backend got for a target. */
  seen(target: string): string;
  /** After every fault, as many requests as there are slots must be served at once. */
  expectAllSlots(): Promise<void>;
}

/** Starts all three. */
export async function startTransportWorld(): Promise<TransportWorld> {
  const scripts = new Map<string, RawScript>();
  const backend = await startRawBackend((request) => {
    const name = /(\/script-\d+)/.exec(request.head)?.[1] ?? "";
    const script = scripts.get(name);
    if (script) return script(request);
    request.socket.write(OK);
  });
  const silent = await startRawBackend(() => {});
  const stack = await startStack({ env: settingsFor(backend, silent) });
  return {
    stack,
    backend,
    silent,
    path(script) {
      const name = `/script-${scripts.size + 1}`;
      scripts.set(name, script);
      return name;
    },
    async ask(text) {
      const client = await connectTo(stack.url);
      client.send(text);
      return client;
    },
    seen(target) {
      const found = backend.requests.findLast(({ head }) => head.split(" ")[1] === target);
      if (!found) throw new Error(`The backend got no ${target}.`);
      return found.head;
    },
    async expectAllSlots() {
      const asked = Array.from({ length: WORKERS }, () => fetch(`${stack.url}/plain`));
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      expect(statuses).toEqual(asked.map(() => 200));
    },
    async [Symbol.asyncDispose]() {
      await stack[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
      await silent[Symbol.asyncDispose]();
    },
  };
}

function settingsFor(backend: RawBackend, silent: RawBackend): Record<string, string> {
  return {
    GATEWAY_SYNC_MODE: "direct",
    Workers: String(WORKERS),
    Host1: `host=${backend.origin};mode=direct;path=/`,
    Host2: `host=${backend.origin}/base;mode=direct;path=/based`,
    Host3: `host=http://svc.test:${backend.port};mode=direct;path=/pinned;ipaddress=127.0.0.1`,
    Host4: `host=${silent.origin};mode=direct;path=/silent`,
    Host5: `host=${silent.origin};mode=direct;path=/failover`,
    Host6: `host=${backend.origin};mode=direct;path=/failover`,
  };
}

/** Streams events, each sent when the client has the one before: what came, and how long each took. */
export async function tellEventByEvent(
  world: TransportWorld,
  count: number,
): Promise<{ readonly received: string; readonly delaysMs: readonly number[] }> {
  const head = headOf("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked");
  const asked = Promise.withResolvers<Socket>();
  using client = await world.ask(
    requestFor(
      world.path(({ socket }) => asked.resolve(socket)),
      "Connection: close",
    ),
  );
  const backend = await asked.promise;
  backend.write(head);
  const delaysMs: number[] = [];
  for (let event = 0; event < count; event++) {
    const sentAt = performance.now();
    backend.write(chunkOf(`data: event ${event}\n\n`));
    await client.until(new RegExp(`event ${event}\n\n`));
    delaysMs.push(performance.now() - sentAt);
  }
  backend.write(LAST_CHUNK);
  return { received: await client.closed(), delaysMs };
}
