import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { availableParallelism } from "node:os";
import type { Clock } from "../../../shared/core/clock.ts";
import { delay, systemClock } from "../../../shared/core/clock.ts";
import { type LocalLog, StartError } from "../../service.ts";
import { clientBinding, type HubAddress, rpcPath, WEBHOOK_PATH } from "../binding.ts";
import type { DurableEngine, DurableFunctions } from "../contract.ts";
import { type FromHub, HUB_KEY_HEADER, invoke, readFrames, sendFrame, UPGRADE } from "./frames.ts";

/** What `joinHub` needs. */
export interface JoinHubOptions {
  /** Where the hub listens, and the key that it asks for. */
  hub: { url: string; key: string };
  /** The host's own address, under which it serves the engine's interface. */
  address: HubAddress;
  functions: DurableFunctions;
  maxConcurrentActivityFunctions?: number;
  maxConcurrentOrchestratorFunctions?: number;
  clock?: Clock;
  log?: LocalLog;
}

const DEFAULT_CONCURRENCY = 10 * availableParallelism();
const JOIN_DEADLINE_MS = 20_000;
const RETRY_MS = 200;
const ALIVE_MS = 5000;
const LEAVE_GRACE_MS = 10_000;

/** Takes part in a hub: its engine runs this host's functions, and this host serves its interface. */
export async function joinHub(options: JoinHubOptions): Promise<DurableEngine> {
  const member = new Member(options);
  const { address, hub } = options;
  const agent = new Agent({ keepAlive: true });
  try {
    await member.join();
  } catch (error) {
    await member.close();
    throw error;
  }
  return {
    clientBinding: () => clientBinding(address),
    handle(request, response) {
      if (!isOurs(request.url ?? "/", address)) return false;
      handOn({ request, response, hub, agent, accessKey: address.accessKey });
      return true;
    },
    async close() {
      await member.close();
      agent.destroy();
    },
  };
}

function isOurs(url: string, address: HubAddress): boolean {
  const path = (url.split("?", 1)[0] ?? "").toLowerCase();
  return [WEBHOOK_PATH, rpcPath(address)].some(
    (prefix) => path === prefix.toLowerCase() || path.startsWith(`${prefix.toLowerCase()}/`),
  );
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  hub: JoinHubOptions["hub"];
  agent: Agent;
  accessKey: string | undefined;
}

function handOn({ request: incoming, response, hub, agent, accessKey }: Call): void {
  const { method, headers, url } = incoming;
  const own = { [HUB_KEY_HEADER]: hub.key, ...(accessKey && { "x-hub-access": accessKey }) };
  const options = { method, agent, headers: { ...headers, ...own } };
  const onward = request(new URL(url ?? "/", hub.url), options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on("error", () => response.destroy()).pipe(response);
  });
  onward.on("error", () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(503).end("The Durable engine is away.");
  });
  response.once("close", () => onward.destroy());
  incoming.pipe(onward);
}

/** This host's place in the hub, taken again whenever it is lost. Scope: one host process. */
class Member {
  readonly #options: JoinHubOptions;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  #socket: Socket | undefined;
  #running = 0;
  #onIdle: () => void = () => {};

  constructor(options: JoinHubOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Resolves when the hub has taken this host in. */
  async join(): Promise<void> {
    const timeUp = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(JOIN_DEADLINE_MS)]);
    while (!timeUp.aborted) {
      if (await this.#connect()) return;
      await delay(this.#clock, RETRY_MS, timeUp).catch(() => {});
    }
    if (!this.#stopped.signal.aborted) throw new StartError("The Durable engine did not answer.");
  }

  /** Takes nothing more, lets what runs end, and leaves. */
  async close(): Promise<void> {
    this.#stopped.abort();
    const socket = this.#socket;
    if (!socket) return;
    sendFrame(socket, { type: "leaving" });
    if (this.#running > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      const grace = new AbortController();
      await Promise.race([
        idle,
        delay(this.#clock, LEAVE_GRACE_MS, grace.signal).catch(() => {}),
      ]).finally(() => grace.abort());
    }
    socket.end();
    socket.destroySoon();
  }

  /** True when it joined; false when there is no hub just now. */
  #connect(): Promise<boolean> {
    const { url, key } = this.#options.hub;
    const headers = { connection: "Upgrade", upgrade: UPGRADE, [HUB_KEY_HEADER]: key };
    return new Promise((resolve, reject) => {
      const call = request(url, { headers, agent: false });
      call.on("error", () => resolve(false));
      call.on("response", (answer) => {
        answer.resume();
        reject(new StartError(`The Durable engine refused this host (${answer.statusCode}).`));
      });
      call.on("upgrade", (_answer, socket: Socket, head) => {
        if (head.length > 0) socket.unshift(head);
        this.#hold(socket, { resolve, reject });
      });
      call.end();
    });
  }

  #hold(
    socket: Socket,
    { resolve, reject }: { resolve(isIn: boolean): void; reject(error: Error): void },
  ): void {
    let cancel = (): void => {};
    const sayAlive = (): void => {
      sendFrame(socket, { type: "alive" });
      cancel = this.#clock.schedule(ALIVE_MS, sayAlive);
    };
    let isIn = false;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.once("close", () => {
      cancel();
      resolve(false);
      if (isIn) this.#lost();
    });
    readFrames<FromHub>(socket, (frame) => {
      if (frame.type === "refused") reject(new StartError(frame.reason));
      if (frame.type === "run") void this.#run(socket, frame);
      if (frame.type !== "welcome") return;
      isIn = true;
      this.#socket = socket;
      resolve(true);
    });
    sendFrame(socket, this.#hello());
    sayAlive();
  }

  #hello() {
    const { functions, address } = this.#options;
    const { orchestrators, activities, entities } = functions;
    return {
      type: "hello" as const,
      hubName: address.hubName,
      orchestrators: [...orchestrators],
      activities: [...activities],
      entities: [...entities],
      maxActivities: this.#options.maxConcurrentActivityFunctions ?? DEFAULT_CONCURRENCY,
      maxOrchestrators: this.#options.maxConcurrentOrchestratorFunctions ?? DEFAULT_CONCURRENCY,
    };
  }

  async #run(socket: Socket, frame: Extract<FromHub, { type: "run" }>): Promise<void> {
    const { id } = frame;
    this.#running += 1;
    try {
      const result = await invoke(this.#options.functions, frame);
      sendFrame(socket, { type: "done", id, result });
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      sendFrame(socket, { type: "failed", id, message, stack });
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle();
    }
  }

  #lost(): void {
    this.#socket = undefined;
    if (this.#stopped.signal.aborted) return;
    this.#options.log?.("Durable: the engine is away; joining it again");
    this.join().catch((error: unknown) => {
      this.#options.log?.(`Durable: ${error instanceof Error ? error.message : error}`);
      if (!this.#stopped.signal.aborted) this.#lost();
    });
  }
}
