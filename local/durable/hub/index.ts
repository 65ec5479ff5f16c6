import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { LocalLog, RunningService } from "../../service.ts";
import { StartError } from "../../service.ts";
import { Engine } from "../engine/engine.ts";
import { handle } from "../http/handle.ts";
import { type FromHost, type Hello, HUB_KEY_HEADER, readFrames, sendFrame } from "./frames.ts";
import { JoinedHosts } from "./joined-hosts.ts";

/** What `startDurableHub` needs. */
export interface DurableHubOptions {
  /** 0 takes a free one. */
  port: number;
  /** Folder of the engine's database. */
  dataDir: string;
  /** Key that the hosts of the stack know. */
  key: string;
  log?: LocalLog;
}

const HOST = "127.0.0.1";
// The limits that count are those of the hosts; this one bounds what waits for them.
const MAX_CONCURRENT = 500;
// A host says that it lives every few seconds; one that is silent for so long is frozen, or gone.
const SILENCE_MS = 30_000;
// Hosts stop first and finish what they run, so that there is hardly anything left to wait for.
const CLOSE_GRACE_MS = 1000;

/**
 * One Durable engine for several hosts, in a process of its own: on Azure their storage is what they
 * share. A job that was started at one host runs on any, is seen by all, and outlives each.
 */
export async function startDurableHub(options: DurableHubOptions): Promise<RunningService> {
  const hub = new Hub(options);
  const server = createServer((request, response) => {
    if (!hub.serve(request, response)) response.writeHead(503).end("No host has joined yet.");
  });
  server.on("upgrade", (request, socket: Socket) => hub.admit(request, socket));
  const port = await listen(server, options.port);
  return {
    url: `http://${HOST}:${port}`,
    async close() {
      await hub.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, HOST);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new StartError(`Port ${port} cannot be used for the Durable engine.`, { cause });
  }
  return (server.address() as AddressInfo).port;
}

/** The engine, from the moment at which a host has said what functions there are. Scope: one hub. */
class Hub {
  readonly #options: DurableHubOptions;
  readonly #hosts = new JoinedHosts();
  readonly #sockets = new Set<Socket>();
  #engine: { engine: Engine; hubName: string } | undefined;

  constructor(options: DurableHubOptions) {
    this.#options = options;
  }

  /** Serves a call that a host hands on; its address is that of the host. */
  serve(request: IncomingMessage, response: Parameters<typeof handle>[0]["response"]): boolean {
    if (!this.#isKnown(request)) {
      response.writeHead(401).end();
      return true;
    }
    if (!this.#engine) return false;
    const { engine, hubName } = this.#engine;
    const origin = `http://${request.headers.host ?? HOST}`;
    const given = request.headers["x-hub-access"];
    const accessKey = typeof given === "string" ? given : undefined;
    return handle({ engine, address: { origin, hubName, accessKey }, request, response });
  }

  admit(request: IncomingMessage, socket: Socket): void {
    if (!this.#isKnown(request)) {
      socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      return;
    }
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: durable-host\r\n\r\n",
    );
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on("error", () => {});
    this.#sockets.add(socket);
    let joined: ReturnType<JoinedHosts["join"]> | undefined;
    readFrames<FromHost>(socket, (frame) => {
      if (frame.type === "hello" && !joined) joined = this.#welcome(frame, socket);
      else joined?.heard(frame);
    });
    socket.once("close", () => {
      this.#sockets.delete(socket);
      joined?.gone();
    });
  }

  async close(): Promise<void> {
    await this.#engine?.engine.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #isKnown({ headers }: IncomingMessage): boolean {
    return headers[HUB_KEY_HEADER] === this.#options.key;
  }

  #welcome(hello: Hello, socket: Socket): ReturnType<JoinedHosts["join"]> | undefined {
    const { hubName } = this.#engine ?? hello;
    if (hubName !== hello.hubName) {
      const reason = `The hub is ${hubName}; a host of ${hello.hubName} cannot join it.`;
      sendFrame(socket, { type: "refused", reason });
      return undefined;
    }
    const joined = this.#hosts.join({
      hello,
      run: (id, invocation) => sendFrame(socket, { type: "run", id, ...invocation }),
    });
    sendFrame(socket, { type: "welcome" });
    this.#engine ??= { engine: this.#start(hubName), hubName };
    return joined;
  }

  // Only now: an engine that resumes its work without functions would find that there are none.
  #start(hubName: string): Engine {
    const { dataDir, log = () => {} } = this.#options;
    const engine = new Engine({
      ...{ dataDir, hubName, log, functions: this.#hosts, origin: "" },
      maxConcurrentActivityFunctions: MAX_CONCURRENT,
      maxConcurrentOrchestratorFunctions: MAX_CONCURRENT,
      closeGraceMs: CLOSE_GRACE_MS,
    });
    engine.start();
    return engine;
  }
}
