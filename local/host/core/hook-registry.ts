import { CoreRangeError } from "./core-error.ts";

/** The moments at which an app may step in. */
export type HookName = "preInvocation" | "postInvocation" | "appStart" | "appTerminate" | "log";

/** An app's hook; what it changes on the context, the host takes back. */
export type HookCallback = (context: Record<string, unknown>) => unknown;

/** The app's hooks in the order of registration. Scope: one host process. */
export class HookRegistry {
  readonly #hooks: Record<HookName, HookCallback[]> = {
    preInvocation: [],
    postInvocation: [],
    appStart: [],
    appTerminate: [],
    log: [],
  };
  /** Shared by every hook of the app for its whole life. */
  readonly appHookData: Record<string, unknown> = {};

  /** Adds a hook and returns how to remove it. */
  register(name: string, callback: HookCallback): () => void {
    const hooks = Object.hasOwn(this.#hooks, name) ? this.#hooks[name as HookName] : undefined;
    if (!hooks) throw new CoreRangeError(`Unrecognized hook "${name}"`);
    hooks.push(callback);
    return () => {
      const index = hooks.indexOf(callback);
      if (index >= 0) hooks.splice(index, 1);
    };
  }

  /** Whether anyone listens, so that nothing is built for nobody. */
  has(name: HookName): boolean {
    return this.#hooks[name].length > 0;
  }

  /** Runs the hooks one after another; the first that throws ends the run. */
  async run(name: HookName, context: Record<string, unknown>): Promise<void> {
    for (const hook of this.#hooks[name]) await hook(context);
  }

  /** Runs hooks that may not wait: those of `log`. */
  runSync(name: HookName, context: Record<string, unknown>): void {
    for (const hook of this.#hooks[name]) hook(context);
  }
}
