import { randomUUID } from "node:crypto";
import type { Clock } from "../../../shared/core/clock.ts";
import type {
  CoreInvocationContext,
  InvocationModel,
  ProgrammingModel,
  RpcInvocationRequest,
  RpcInvocationResponse,
  RpcLogCategory,
  RpcLogLevel,
} from "../core/core-types.ts";
import type { RegisteredFunction } from "../core/function-registry.ts";
import type { HookRegistry } from "../core/hook-registry.ts";
import { answerInPlace } from "./answer-in-place.ts";
import { describeError, isAbort } from "./describe-error.ts";
import type { HostLog } from "./host-log.ts";

/** What a trigger passes to the function it fires. */
export type InvocationInput = Pick<
  RpcInvocationRequest,
  "inputData" | "triggerMetadata" | "traceContext" | "retryContext"
> & {
  /** Given by the HTTP trigger, whose request already carries it. */
  invocationId?: string;
  /** Looks at what the function returned, as an object still; what it throws fails the invocation. */
  inspect?: (result: unknown) => void;
};

/** Fails an invocation that ran longer than host.json's `functionTimeout`. */
export class FunctionTimeoutError extends Error {
  override readonly name = "FunctionTimeoutError";
}

export interface InvokerOptions {
  model: ProgrammingModel;
  hooks: HookRegistry;
  log: HostLog;
  clock: Clock;
  functionTimeoutMs: number | undefined;
  /** Sends what output bindings carry, for the functions that have any. */
  outputs: ReadonlyMap<RegisteredFunction, SendOutputs>;
}

/** Sends the outputs of one invocation; a failure fails the invocation. */
export type SendOutputs = (response: RpcInvocationResponse) => Promise<void>;

/** Runs functions the way the Azure worker does. Scope: one host process. */
export class Invoker {
  readonly #options: InvokerOptions;

  constructor(options: InvokerOptions) {
    this.#options = options;
  }

  /**
   * Runs one invocation to its end; rejects with what the function threw, after logging it. Work that
   * was given up because its client has left is not worth a line.
   */
  async run(
    fn: RegisteredFunction,
    input: InvocationInput,
    hasClientLeft: () => boolean = () => false,
  ): Promise<RpcInvocationResponse> {
    const context = this.#coreContext(fn, input);
    try {
      return await this.#withinTimeout(this.#invoke(fn, context, input.inspect));
    } catch (error) {
      if (!(isAbort(error) && hasClientLeft())) {
        this.#options.log.failure(
          fn.metadata.name,
          `failed (invocation ${context.invocationId}): ${describeError(error)}`,
        );
      }
      throw error;
    }
  }

  /** Lets the library answer an HTTP call that the function left without an answer. */
  async answer(fn: RegisteredFunction, invocationId: string, status: number): Promise<void> {
    const context = this.#coreContext(fn, { invocationId, inputData: [] });
    const model = await this.#options.model.getInvocationModel(context);
    await answerInPlace(model, context, status);
  }

  #coreContext(fn: RegisteredFunction, input: InvocationInput): HostInvocationContext {
    const invocationId = input.invocationId ?? randomUUID();
    const { log, hooks } = this.#options;
    const { name, functionId = name } = fn.metadata;
    const context: HostInvocationContext = {
      invocationId,
      request: { ...input, invocationId, functionId },
      metadata: fn.metadata,
      state: undefined,
      log(level, category, message) {
        const line = { level, message };
        if (hooks.has("log")) runLogHooks(hooks, line, { category, context });
        if (category === "user") log.user(name, line.level, line.message);
        else log.system(level, message);
      },
    };
    return context;
  }

  async #invoke(
    fn: RegisteredFunction,
    core: HostInvocationContext,
    inspect: InvocationInput["inspect"],
  ): Promise<RpcInvocationResponse> {
    const model = await this.#options.model.getInvocationModel(core);
    const { context, inputs } = await model.getArguments();
    core.invocationContext = context;
    let result: unknown;
    try {
      result = this.#hasInvocationHooks()
        ? await this.#invokeWithHooks(fn, core, { model, context, inputs })
        : await invokePlain(fn, core, { model, context, inputs });
    } finally {
      core.state = undefined;
    }
    inspect?.(result);
    const response = await model.getResponse(context, result);
    const send = this.#options.outputs.get(fn);
    if (send) await send(response);
    return response;
  }

  #hasInvocationHooks(): boolean {
    return this.#options.hooks.has("preInvocation") || this.#options.hooks.has("postInvocation");
  }

  async #invokeWithHooks(
    fn: RegisteredFunction,
    core: HostInvocationContext,
    { model, context, inputs }: PreparedInvocation,
  ): Promise<unknown> {
    const { hooks } = this.#options;
    const shared = { hookData: {}, appHookData: hooks.appHookData, invocationContext: context };
    const before = { ...shared, functionCallback: fn.callback, inputs };
    core.state = "preInvocationHooks";
    await hooks.run("preInvocation", before);
    const after: Record<string, unknown> = {
      ...shared,
      inputs: before.inputs,
      result: null,
      error: null,
    };
    core.state = "invocation";
    try {
      after["result"] = await model.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after["error"] = error;
    }
    core.state = "postInvocationHooks";
    await hooks.run("postInvocation", after);
    if (after["error"] !== null && after["error"] !== undefined) throw after["error"];
    return after["result"];
  }

  #withinTimeout<T>(work: Promise<T>): Promise<T> {
    const { functionTimeoutMs, clock } = this.#options;
    if (functionTimeoutMs === undefined) return work;
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(functionTimeoutMs, () => {
        reject(new FunctionTimeoutError(`Timeout value of ${functionTimeoutMs} ms was exceeded.`));
      });
      work.then(
        (result) => {
          cancel();
          resolve(result);
        },
        (error: unknown) => {
          cancel();
          reject(error);
        },
      );
    });
  }
}

/** The shared context, with what the app's own code knows as its context. */
interface HostInvocationContext extends CoreInvocationContext {
  invocationContext?: unknown;
}

/** What hooks change on the line is taken back; for the platform's own lines nobody looks. */
function runLogHooks(
  hooks: HookRegistry,
  line: { level: RpcLogLevel; message: string },
  { category, context }: { category: RpcLogCategory; context: HostInvocationContext },
): void {
  const { invocationContext } = context;
  const { appHookData } = hooks;
  const hookContext = { ...line, category, invocationContext, hookData: {}, appHookData };
  hooks.runSync("log", hookContext);
  Object.assign(line, { level: hookContext.level, message: hookContext.message });
}

interface PreparedInvocation {
  model: InvocationModel;
  context: unknown;
  inputs: unknown[];
}

function invokePlain(
  { callback }: RegisteredFunction,
  core: HostInvocationContext,
  { model, context, inputs }: PreparedInvocation,
): Promise<unknown> {
  core.state = "invocation";
  return model.invokeFunction(context, inputs, callback);
}
