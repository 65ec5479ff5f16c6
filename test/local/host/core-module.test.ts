import { describe, expect, it } from "vitest";
import { createCoreModule } from "../../../local/host/core/core-module.ts";
import type { Disposable } from "../../../local/host/core/disposable.ts";
import { FunctionRegistry } from "../../../local/host/core/function-registry.ts";
import { HookRegistry } from "../../../local/host/core/hook-registry.ts";

interface CoreApi {
  registerFunction(metadata: object, callback: () => void): Disposable;
  registerHook(name: string, callback: () => void): Disposable;
  setProgrammingModel(model: object): void;
  getProgrammingModel(): object | undefined;
  log(level: string, category: string, message: string): void;
  Disposable: typeof Disposable;
  version: string;
  hostVersion: string;
}

function arrange() {
  const functions = new FunctionRegistry();
  const hooks = new HookRegistry();
  const lines: string[] = [];
  const core = createCoreModule({
    functions,
    hooks,
    log: (level, category, message) => lines.push(`${level} ${category} ${message}`),
  });
  return { functions, hooks, lines, core, api: core.api as CoreApi };
}

const metadata = (name: string) => ({ name, bindings: {} });

describe("the core module that the library requires", () => {
  it("names its versions and passes log lines on", () => {
    const { api, lines } = arrange();
    expect(api.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(api.hostVersion).toMatch(/^4\.\d+\.\d+$/);
    api.log("warning", "system", "careful");
    expect(lines).toEqual(["warning system careful"]);
  });

  it("gives a function its name as its id, and keeps the order of registration", () => {
    const { api, functions } = arrange();
    api.registerFunction(metadata("b"), () => {});
    api.registerFunction({ ...metadata("a"), functionId: "id" }, () => {});
    expect(functions.all().map((fn) => fn.metadata.functionId)).toEqual(["b", "id"]);
  });

  it("refuses a name that is taken, whatever its case", () => {
    const { api } = arrange();
    api.registerFunction(metadata("Same"), () => {});
    expect(() => api.registerFunction(metadata("same"), () => {})).toThrow(
      'A function with id "same" has already been registered.',
    );
  });

  it("closes registration after startup", () => {
    const { api, functions } = arrange();
    const disposable = api.registerFunction(metadata("a"), () => {});
    functions.lock();
    const late = "A function can only be registered during app startup.";
    expect(() => api.registerFunction(metadata("b"), () => {})).toThrow(late);
    expect(() => disposable.dispose()).toThrow("during app startup");
  });

  it("forgets what is disposed of", () => {
    const { api, functions, hooks } = arrange();
    const all = api.Disposable.from(
      api.registerFunction(metadata("a"), () => {}),
      api.registerHook("log", () => {}),
    );
    all.dispose();
    all.dispose();
    expect([functions.all().length, hooks.has("log")]).toEqual([0, false]);
  });

  it("refuses an unknown hook with the error that the library looks for", () => {
    const { api } = arrange();
    const attempt = (): unknown => api.registerHook("beforeLunch", () => {});
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(expect.objectContaining({ isAzureFunctionsSystemError: true }));
    expect(() => api.registerHook("toString", () => {})).toThrow('Unrecognized hook "toString"');
  });

  it("takes one programming model only", () => {
    const { api, core } = arrange();
    const model = { name: "first" };
    api.setProgrammingModel(model);
    expect([api.getProgrammingModel(), core.model()]).toEqual([model, model]);
    expect(() => api.setProgrammingModel({})).toThrow("Two copies of @azure/functions");
  });
});
