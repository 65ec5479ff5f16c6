import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChildService, startChild } from "../../local/child-service.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { readStackSettings } from "../../local/stack-settings.ts";
import { startBackend, type TestBackend } from "../support/backend.ts";
import type { PlannedArrival } from "./planned-arrivals.ts";

/** A request that was served: whose, and how long it waited before a backend had it. */
export interface ServedByHosts {
  readonly userId: string;
  readonly phase: string;
  readonly sentAt: number;
  readonly waitedMs: number;
  readonly serviceMs: number;
}

export interface HostRequest {
  readonly userId: string;
  /** The name of its priority class. */
  readonly key?: string;
  /** How long the backend takes for it. */
  readonly serviceMs: number;
}

/** Ends what sends without end; the connections that wait are given up. */
interface Until {
  readonly signal?: AbortSignal;
}

interface Poisson extends Until {
  readonly perSecond: number;
  readonly random: () => number;
  readonly atMost?: number;
}

/** The user who sends far more than all others. */
export const HEAVY = "heavy";

const LATENESS_EVERY_MS = 25;

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
  /** What requests that are sent from now on belong to. */
  phase = "";
  readonly lateness: { readonly phase: string; readonly lateMs: number }[] = [];
  /** Answers other than 200, by whose they are and their status. */
  readonly refused = new Map<string, number>();
  readonly #agent = new Agent({ keepAlive: true });
  readonly #stack: Stack;
  readonly #second: ChildService;
  readonly #backend: TestBackend;
  readonly #folder: string;
  readonly #stopped = new AbortController();
  readonly #planned: Promise<void>[] = [];
  #turn = 0;

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
    void this.#watchLateness();
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

  /** Sends a request to one host or the other, in turn; resolves when it is answered or given up. */
  send({ userId, key = "mid", serviceMs }: HostRequest, until: Until = {}): Promise<void> {
    const { signal = this.#stopped.signal } = until;
    const url = `${this.#urls[this.#turn++ % 2]}/work?ms=${Math.round(serviceMs)}`;
    const headers = { "x-userid": userId, S7PPriorityKey: key };
    const sentAt = Date.now();
    const phase = this.phase;
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
            this.served.push({ userId, phase, sentAt, waitedMs: Number(text) - sentAt, serviceMs });
          else this.#refuse(`${userId === HEAVY ? HEAVY : "others"} ${statusCode}`);
          resolve();
        });
      });
      call.on("error", () => resolve());
      call.end();
    });
  }

  /** Always has one request of this kind there, until the end. */
  async loop(next: () => HostRequest, until: Until = {}): Promise<void> {
    const { signal = this.#stopped.signal } = until;
    while (!signal.aborted) await this.send(next(), until);
  }

  /** Sends requests at random intervals with this mean, until the end; never more than so many at one time. */
  async poisson(next: () => HostRequest, options: Poisson): Promise<void> {
    const { signal = this.#stopped.signal, atMost = Number.POSITIVE_INFINITY } = options;
    let outstanding = 0;
    while (!signal.aborted) {
      await pause((-Math.log(1 - options.random()) / options.perSecond) * 1000);
      if (signal.aborted || outstanding >= atMost) continue;
      outstanding += 1;
      void this.send(next(), options).finally(() => {
        outstanding -= 1;
      });
    }
  }

  /** Notes how late timers are: what the processors do not get to is no matter of fairness. */
  async #watchLateness(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const startedAt = performance.now();
      await pause(LATENESS_EVERY_MS);
      const lateMs = performance.now() - startedAt - LATENESS_EVERY_MS;
      this.lateness.push({ phase: this.phase, lateMs });
    }
  }

  /** Sends each of these at its time; returns when the time is over, the answers may come later. */
  async play(arrivals: readonly PlannedArrival[], durationMs: number): Promise<void> {
    const startedAt = Date.now();
    for (const arrival of arrivals) {
      await pause(startedAt + arrival.atMs - Date.now());
      this.#planned.push(this.send(arrival));
    }
    await pause(startedAt + durationMs - Date.now());
  }

  /** Waits for the answers to all that was planned. */
  async answered(): Promise<void> {
    await Promise.all(this.#planned);
  }

  #refuse(whom: string): void {
    this.refused.set(whom, (this.refused.get(whom) ?? 0) + 1);
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

/** Waits in real time. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
