import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChildService, startChild } from "../../local/child-service.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { readStackSettings } from "../../local/stack-settings.ts";
import { startBackend, type TestBackend } from "../support/backend.ts";

/** A request that was served: whose, and how long it waited before a backend had it. */
export interface ServedByHosts {
  readonly userId: string;
  readonly waitedMs: number;
  readonly serviceMs: number;
  /** Whether it came after the warm-up; its wait then owes nothing to the start. */
  readonly isSettled: boolean;
}

export interface HostRequest {
  readonly userId: string;
  /** The name of its priority class. */
  readonly key?: string;
  /** How long the backend takes for it. */
  readonly serviceMs: number;
}

const FREE_PORTS = {
  PORT: "0",
  LOCAL_BROKER_PORT: "0",
  LOCAL_STORAGE_PORT: "0",
  LOCAL_MODELS_PORT: "0",
};

/**
 * Two Functions hosts with one broker and one storage, before a backend that takes as long as it is told.
 * Every request goes through a lane. Scope: one measurement.
 */
export class TwoHosts implements AsyncDisposable {
  readonly served: ServedByHosts[] = [];
  /** Answers other than 200, by status. */
  readonly refused = new Map<number, number>();
  readonly #agent = new Agent({ keepAlive: true });
  readonly #stack: Stack;
  readonly #second: ChildService;
  readonly #backend: TestBackend;
  readonly #folder: string;
  readonly #stopped = new AbortController();
  #turn = 0;
  #isWarm = false;

  private constructor(parts: {
    stack: Stack;
    second: ChildService;
    backend: TestBackend;
    folder: string;
  }) {
    this.#stack = parts.stack;
    this.#second = parts.second;
    this.#backend = parts.backend;
    this.#folder = parts.folder;
  }

  static async start(workersEach: number): Promise<TwoHosts> {
    const folder = mkdtempSync(join(tmpdir(), "bench-fairness-"));
    const backend = await startBackend(({ target }, response) => {
      const arrivedAt = Date.now();
      const serviceMs = Number(new URL(target, "http://backend").searchParams.get("ms"));
      setTimeout(() => response.end(String(arrivedAt)), serviceMs);
    });
    const env = {
      ...process.env,
      Host1: `host=${backend.url};mode=direct`,
      GATEWAY_SYNC_MODE: "queued",
      GATEWAY_LOG_LEVEL: "Error",
      Workers: String(workersEach),
      PriorityKeys: "hi,mid,lo",
      PriorityValues: "1,2,3",
    };
    const settings = readStackSettings({ ...FREE_PORTS, LOCAL_DATA_DIR: join(folder, "stack") });
    const stack = await startStack(settings, env, () => {});
    const dataDir = join(folder, "second");
    const options = { port: 0, appDir: settings.appDir, dataDir, settings: stack.appSettings };
    const second = await startChild("host", { options, env });
    return new TwoHosts({ stack, second, backend, folder });
  }

  /** Sends a request to one host or the other, in turn; resolves when it is answered. */
  send({ userId, key = "mid", serviceMs }: HostRequest): Promise<void> {
    const { signal } = this.#stopped;
    const url = `${this.#urls[this.#turn++ % 2]}/work?ms=${Math.round(serviceMs)}`;
    const headers = { "x-userid": userId, S7PPriorityKey: key };
    const sentAt = Date.now();
    const isSettled = this.#isWarm;
    return new Promise((resolve) => {
      const call = request(url, { agent: this.#agent, headers, signal }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", () => resolve());
        response.on("end", () => {
          const { statusCode = 0 } = response;
          if (statusCode === 200)
            this.served.push({ userId, waitedMs: Number(text) - sentAt, serviceMs, isSettled });
          else this.refused.set(statusCode, (this.refused.get(statusCode) ?? 0) + 1);
          resolve();
        });
      });
      call.on("error", () => resolve());
      call.end();
    });
  }

  /** Always has one request of this kind there, until the end. */
  async loop(next: () => HostRequest): Promise<void> {
    while (!this.#stopped.signal.aborted) await this.send(next());
  }

  /** Sends requests at random intervals with this mean, until the end. */
  async poisson(next: () => HostRequest, options: { perSecond: number; random: () => number }) {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await pause((-Math.log(1 - options.random()) / options.perSecond) * 1000);
      if (!signal.aborted) void this.send(next());
    }
  }

  /** Lets it run, and forgets what was served before `warmUpMs`. */
  async run({ warmUpMs, durationMs }: { warmUpMs: number; durationMs: number }): Promise<void> {
    await pause(warmUpMs);
    this.served.length = 0;
    this.#isWarm = true;
    await pause(durationMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#agent.destroy();
    await this.#second.stop();
    await this.#stack.stop();
    await this.#backend[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #urls(): readonly string[] {
    return [this.#stack.parts.get("host")?.facts.url ?? "", this.#second.facts.url];
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
