import { performance } from "node:perf_hooks";
import * as df from "durable-functions";
import { type DurableApp, startDurableApp } from "../support/durable-app.ts";
import { durableDir } from "../support/durable-dir.ts";

const PARALLEL = 100;
const PARALLEL_RUNS = 1_000;
const SEQUENTIAL_RUNS = 100;
const WARM_UP_RUNS = 100;

df.app.activity("benchHello", { handler: (name: string) => `hello ${name}` });
df.app.orchestration("benchTwo", function* (context) {
  const first: string = yield context.df.callActivity("benchHello", "x");
  return yield context.df.callActivity("benchHello", first);
});

/** Starts one orchestration over HTTP and waits, over HTTP, until it has completed. */
async function runOne(app: DurableApp): Promise<void> {
  const url = `${app.origin}/runtime/webhooks/durabletask/orchestrators/benchTwo?timeout=60`;
  const response = await fetch(url, { method: "POST" });
  await response.text();
  if (response.status !== 200) throw new Error(`benchTwo ended with ${response.status}`);
}

/** Durations in milliseconds of `runs` orchestrations, `parallel` at a time. */
async function run(app: DurableApp, runs: number, parallel: number): Promise<number[]> {
  const durations: number[] = [];
  let left = runs;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const startedAt = performance.now();
      await runOne(app);
      durations.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return durations.sort((a, b) => a - b);
}

/** Measures the engine with the real SDK: everything, clients included, in this one process. */
export async function benchDurable() {
  using dir = durableDir();
  await using app = await startDurableApp({ dataDir: dir.path });
  await run(app, WARM_UP_RUNS, 10);
  const sequential = await run(app, SEQUENTIAL_RUNS, 1);
  const startedAt = performance.now();
  await run(app, PARALLEL_RUNS, PARALLEL);
  const seconds = (performance.now() - startedAt) / 1000;
  return [
    {
      name: `durable: two-activity orchestrations, ${PARALLEL} in parallel`,
      value: Math.round(PARALLEL_RUNS / seconds),
      unit: "1/s",
      aim: ">= 250",
    },
    {
      name: "durable: two-activity orchestration alone, p50",
      value: Number((sequential[sequential.length >> 1] ?? Number.NaN).toFixed(1)),
      unit: "ms",
      aim: "<= 10",
    },
  ];
}

if (import.meta.main) console.table(await benchDurable());
