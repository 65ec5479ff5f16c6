import { loadavg } from "node:os";
import { aimsOf } from "./compare/aims.ts";
import { startLoadGenerator, startServer } from "./compare/child.ts";
import { measure, warmUp } from "./compare/measure.ts";
import { type Plan, readPlan } from "./compare/plan.ts";
import { type Measured, printScenario } from "./compare/report.ts";
import { startTarget, type Target } from "./compare/targets.ts";

/**
 * `npm run bench`: the gateway's direct way beside a bare proxy and its peers, in one run: the same
 * machine, load and backend. Backend, load and every target have a process of their own.
 */
async function run({ targets: names, scenarios }: Plan): Promise<Measured[]> {
  await using running = new AsyncDisposableStack();
  const backend = running.use(await startServer("backend.ts"));
  const load = running.use(startLoadGenerator());
  const targets: Target[] = [];
  for (const name of names) {
    const target = name === "backend" ? bare(backend) : await startTarget(name, backend.port);
    if (typeof target === "string") console.log(`left out: ${target}`);
    else targets.push(running.use(target));
  }
  await warmUp(load, targets, scenarios);
  const results: Measured[] = [];
  for (const scenario of scenarios) {
    const measured = { scenario, rounds: await measure(load, targets, scenario) };
    printScenario(measured);
    results.push(measured);
  }
  return results;
}

const bare = ({ port, pid }: { port: number; pid: number }): Target => ({
  name: "backend",
  port,
  headers: [],
  pids: [pid],
  async [Symbol.asyncDispose]() {},
});

function printAims(results: readonly Measured[]): void {
  console.log("\naims");
  for (const measured of results) {
    for (const { name, value, bound, isReached } of aimsOf(measured)) {
      const verdict = isReached ? "reached" : "MISSED";
      const line = `${measured.scenario.title}: ${name}`.padEnd(72);
      console.log(`${line}${value.toFixed(2).padStart(8)}  aim ${bound}  ${verdict}`);
    }
  }
}

const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(" ");

console.log(`load average before: ${load()}`);
printAims(await run(readPlan(process.argv.slice(2))));
console.log(`load average after: ${load()}`);
