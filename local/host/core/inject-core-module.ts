import Module from "node:module";

const CORE_MODULE_ID = "@azure/functions-core";

/**
 * Makes `require("@azure/functions-core")` return `api` everywhere in this process, the way the
 * Azure worker does it. Must run before the app loads: the library remembers a failed require.
 */
export function injectCoreModule(api: object): void {
  const original = Module.prototype.require;
  const patched = function (this: NodeJS.Module, id: string): unknown {
    return id === CORE_MODULE_ID ? api : original.call(this, id);
  };
  Module.prototype.require = Object.assign(patched, original);
}
