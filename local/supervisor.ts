import { type ChildService, type ChildServiceOptions, startChild } from "./child-service.ts";
import { type LocalLog, type ServiceName, StartError } from "./service.ts";

const MAX_RESTARTS = 5;
const RESTART_WINDOW_MS = 60_000;

/**
 * Keeps one part of the stack alive: a part that dies is started again with what it was started with,
 * as a platform would. Scope: one stack process.
 */
export class Supervised {
  readonly #name: ServiceName;
  readonly #options: ChildServiceOptions;
  readonly #log: LocalLog;
  readonly #restartedAt: number[] = [];
  #child: ChildService;
  #isStopping = false;
  readonly #failed: PromiseWithResolvers<never> = Promise.withResolvers();

  private constructor(name: ServiceName, child: ChildService, options: ChildServiceOptions) {
    this.#name = name;
    this.#child = child;
    this.#options = options;
    this.#log = options.log ?? (() => {});
    // Whoever is interested waits for `failed`; nobody has to.
    this.#failed.promise.catch(() => {});
    this.#watch(child);
  }

  /** Starts the part; rejects with its `StartError` when it cannot start at all. */
  static async start(name: ServiceName, options: ChildServiceOptions): Promise<Supervised> {
    return new Supervised(name, await startChild(name, options), options);
  }

  get facts(): ChildService["facts"] {
    return this.#child.facts;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Rejects when the part cannot be kept alive any more. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#child.stop();
    const how = await this.#child.exited;
    if (how !== 0) this.#log(`${this.#name} did not end cleanly (${how})`);
  }

  #watch(child: ChildService): void {
    child.exited
      .then((how) => (this.#isStopping ? undefined : this.#restart(how)))
      .catch((error: unknown) => this.#failed.reject(error));
  }

  /** A part that dies while it starts is started once more, like any other. */
  async #restart(how: number | NodeJS.Signals): Promise<void> {
    let child: ChildService | undefined;
    for (let reason = String(how); !child && !this.#isStopping; ) {
      this.#countRestart(reason);
      this.#log(`${this.#name} ended (${reason}); starting it again`);
      try {
        child = await startChild(this.#name, this.#options);
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
    if (!child) return;
    this.#child = child;
    if (this.#isStopping) await child.stop();
    else this.#watch(child);
  }

  #countRestart(reason: string): void {
    const now = Date.now();
    this.#restartedAt.push(now);
    if (this.#restartedAt.length <= MAX_RESTARTS) return;
    const first = this.#restartedAt.shift() ?? 0;
    if (now - first < RESTART_WINDOW_MS) {
      throw new StartError(`${this.#name} keeps ending (${reason}); giving up.`);
    }
  }
}
