import { setTimeout as pause } from "node:timers/promises";
import { freePort, freePorts } from "../../local/free-port.ts";
import { partPid } from "../support/part-pid.ts";
import { startStack, type TestStack } from "../support/stack.ts";

/** What can be killed: one part, or all of them with their parent. */
export type Victim = "host" | "broker" | "storage" | "everything";

const LOOK_WITHIN_MS = 5000;
const LOOK_AGAIN_MS = 200;
// The storage has one each for blobs, queues and tables.
const STORAGE_PORTS = 3;

/**
 * A stack on ports of its own that keep their numbers, so that it is found again after any death.
 * Scope: one run.
 */
export class StackUnderFire {
  readonly url: string;
  readonly brokerPort: number;
  readonly #dataDir: string;
  readonly #env: Readonly<Record<string, string>>;
  #stack: TestStack | undefined;
  #output = "";

  private constructor(ports: Ports, dataDir: string, env: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${ports.gateway}`;
    this.brokerPort = ports.broker;
    this.#dataDir = dataDir;
    this.#env = {
      ...env,
      PORT: String(ports.gateway),
      LOCAL_BROKER_PORT: String(ports.broker),
      LOCAL_STORAGE_PORT: String(ports.storage),
    };
  }

  static async start(
    dataDir: string,
    env: Readonly<Record<string, string>>,
  ): Promise<StackUnderFire> {
    const ports = {
      gateway: await freePort(),
      broker: await freePort(),
      storage: await freePorts(STORAGE_PORTS),
    };
    const stack = new StackUnderFire(ports, dataDir, env);
    await stack.#start();
    return stack;
  }

  /** Everything that its processes have printed. */
  output(): string {
    return this.#output + (this.#stack?.output() ?? "");
  }

  /** kill -9; a part is started again by its stack, the whole by us. False when it is not running. */
  async kill(victim: Victim): Promise<boolean> {
    if (victim === "everything") {
      const dead = this.#stack;
      await dead?.crash();
      this.#output += dead?.output() ?? "";
      this.#stack = undefined;
      await this.#start();
      return true;
    }
    const pid = this.#stack && (await partPid(this.#stack.pid, victim));
    if (pid === undefined) return false;
    try {
      process.kill(pid, "SIGKILL");
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves when it answers, or when the time is over. */
  async serving(untilMs: number): Promise<void> {
    while (Date.now() < untilMs) {
      const signal = AbortSignal.timeout(LOOK_WITHIN_MS);
      const answer = await fetch(`${this.url}/health`, { signal }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.ok) return;
      await pause(LOOK_AGAIN_MS);
    }
  }

  async stop(): Promise<void> {
    await this.#stack?.stop();
  }

  async #start(): Promise<void> {
    this.#stack = await startStack({ dataDir: this.#dataDir, env: this.#env });
  }
}

interface Ports {
  readonly gateway: number;
  readonly broker: number;
  readonly storage: number;
}
