import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Figure, printFigures } from "./figures.ts";

const BUNDLE = join(import.meta.dirname, "..", "..", "dist", "functions", "index.cjs");
const RUNS = 15;

// A process as the Functions worker has it: source maps on, and the core module given at `require`.
const LOADER = `
const Module = require("node:module");
const load = Module.prototype.require;
const disposable = () => ({ dispose() {} });
const core = {
  version: "3.0.0", hostVersion: "4.1041.0", Disposable: class { dispose() {} },
  registerFunction: disposable, registerHook: disposable, setProgrammingModel() {}, log() {},
};
Module.prototype.require = function (id) {
  return id === "@azure/functions-core" ? core : load.call(this, id);
};
const startedAt = performance.now();
require(process.argv[1]);
process.stdout.write(String(performance.now() - startedAt));
process.exit(0);
`;

const CONNECTIONS = {
  AzureWebJobsStorage: "UseDevelopmentStorage=true",
  ServiceBusConnection:
    "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;",
};

function loadMs(role: "stream" | "jobs"): number {
  const run = spawnSync(process.execPath, ["--enable-source-maps", "-e", LOADER, BUNDLE], {
    env: { ...CONNECTIONS, GATEWAY_ROLE: role, Host1: "host=http://127.0.0.1:1;mode=direct" },
    encoding: "utf8",
  });
  // The bundle's own log lines come first.
  const ms = Number(run.stdout.trimEnd().split("\n").at(-1));
  if (run.status !== 0 || !(ms > 0)) throw new Error(`The bundle did not load:\n${run.stderr}`);
  return ms;
}

/** How long the bundle takes to load in a new process: the best and the median of many. */
export function benchColdStart(): Figure[] {
  return (["stream", "jobs"] as const).flatMap((role) => {
    const times = Array.from({ length: RUNS }, () => loadMs(role)).sort((a, b) => a - b);
    const named = (what: string) => `load of the bundle as ${role}, ${what} of ${RUNS}`;
    return [
      { name: named("best"), value: times[0] ?? 0, unit: "ms", aim: "< 350" },
      { name: named("median"), value: times[RUNS >> 1] ?? 0, unit: "ms", aim: "< 350" },
    ];
  });
}

if (import.meta.main) printFigures(benchColdStart());
