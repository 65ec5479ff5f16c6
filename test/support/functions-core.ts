import Module from "node:module";

/** A function as `@azure/functions` registers it. */
export interface RegisteredFunction {
  metadata: {
    name: string;
    bindings: Record<string, { type: string; direction: string }>;
  };
  callback: (...args: unknown[]) => unknown;
}

/** The programming model that `@azure/functions` hands to its host. */
export interface ProgrammingModel {
  getInvocationModel(coreContext: object): {
    getArguments(): Promise<{ context: { df?: unknown }; inputs: unknown[] }>;
    invokeFunction(
      context: unknown,
      inputs: unknown[],
      callback: (...args: unknown[]) => unknown,
    ): Promise<unknown>;
    getResponse(context: unknown, result: unknown): Promise<{ returnValue?: TypedData }>;
  };
}

/** A value on the way between host and worker. */
export interface TypedData {
  string?: string;
  json?: string;
  int?: number;
  double?: number;
}

/** What the app has registered in this process. */
export const registered = new Map<string, RegisteredFunction>();

let model: ProgrammingModel | undefined;

class Disposable {
  static from(): Disposable {
    return new Disposable();
  }
  dispose(): void {}
}

const core = {
  version: "4.0.0",
  hostVersion: "4.1000.0",
  Disposable,
  registerFunction(metadata: RegisteredFunction["metadata"], callback: () => unknown): Disposable {
    if (registered.has(metadata.name)) throw new Error(`${metadata.name} is registered twice`);
    registered.set(metadata.name, { metadata, callback });
    return new Disposable();
  },
  registerHook: (): Disposable => new Disposable(),
  setProgrammingModel(next: ProgrammingModel): void {
    model = next;
  },
  getProgrammingModel: () => model,
  log: (): void => {},
};

/** Supplies `@azure/functions-core` the way the real worker does. Call it before any `app.*`. */
export function supplyFunctionsCore(): void {
  const { prototype } = Module as unknown as { prototype: { require: (id: string) => unknown } };
  const original = prototype.require;
  prototype.require = function (this: unknown, id: string): unknown {
    return id === "@azure/functions-core" ? core : original.call(this, id);
  };
}

/** The model that the app's copy of `@azure/functions` has set. */
export function programmingModel(): ProgrammingModel {
  if (!model) throw new Error("No function was registered.");
  return model;
}
