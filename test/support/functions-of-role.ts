import { spawnSync } from "node:child_process";
import { join } from "node:path";

const BUNDLE = join(import.meta.dirname, "..", "..", "dist", "functions", "index.cjs");

/** What a function app tells its host of one of its functions. */
export interface AppFunction {
  readonly name: string;
  /** Its trigger, and what else it is bound to. */
  readonly bindings: readonly Binding[];
}

export interface Binding {
  readonly type: string;
  readonly direction: string;
  readonly route?: string;
  readonly methods?: readonly string[];
  readonly authLevel?: string;
  readonly queueName?: string;
}

// A process as the Functions worker has it: the core module is given at `require`.
const LOADER = `
const Module = require("node:module");
const load = Module.prototype.require;
const found = [];
const core = {
  version: "3.0.0", hostVersion: "4.1041.0", Disposable: class { dispose() {} },
  registerFunction({ name, bindings }) {
    found.push({ name, bindings: Object.values(bindings) });
    return { dispose() {} };
  },
  registerHook: () => ({ dispose() {} }), setProgrammingModel() {}, log() {},
};
Module.prototype.require = function (id) {
  return id === "@azure/functions-core" ? core : load.call(this, id);
};
require(process.argv[1]);
require("node:fs").writeSync(3, JSON.stringify(found));
process.exit(0);
`;

const CONNECTIONS = {
  AzureWebJobsStorage: "UseDevelopmentStorage=true",
  ServiceBusConnection:
    "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;",
};
const FUNCTIONS_FD = 3;

/** The functions that the built bundle has in a role, with such settings, as its host hears of them. */
export function functionsOfRole(
  role: "stream" | "jobs" | "all",
  settings: Readonly<Record<string, string>> = {},
): readonly AppFunction[] {
  const host = { Host1: "host=http://127.0.0.1:1;mode=direct" };
  const run = spawnSync(process.execPath, ["-e", LOADER, BUNDLE], {
    env: { ...CONNECTIONS, ...host, GATEWAY_ROLE: role, ...settings },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`The bundle did not load:\n${run.stderr}`);
  return JSON.parse(run.output[FUNCTIONS_FD] ?? "[]");
}
