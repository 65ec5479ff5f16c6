import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Agent } from "undici";
import { renderTable } from "../../local/replay/table.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { quantile } from "./figures.ts";
import { engineCounts } from "./jobs/engine-counts.ts";
import { type Accept, accepting, fill, offer } from "./jobs/offer-jobs.ts";
import { pollJobs } from "./jobs/poll-jobs.ts";
import { processorTime, usedBetween } from "./jobs/processor-time.ts";

const RATE_PER_SECOND = 100;
const OFFERED_MS = 10_000;
const WARM_UP_MS = 5000;
const WAITING_JOBS = 5000;
const FILL = { jobs: WAITING_JOBS, parallel: 32, withinMs: 100_000 };
// Until all that was begun for the jobs is done, and they only wait.
const CALM_WITHIN_MS = 20_000;
const CALM_LOOK_MS = 500;
const POLLING_CLIENTS = 500;
const POLLED_FILL = { jobs: POLLING_CLIENTS, parallel: 32, withinMs: 40_000 };
// A machine that is busy with other work takes connections late.
const CONNECT_WITHIN_MS = 60_000;
const POLL_EVERY_MS = 1000;
const POLLED_MS = 10_000;
const NEVER_SECONDS = "3600";
const ACCEPT_AIM_MS = 25;
const SLOWER_AIM = 1.1;

/** One measured value, and whether it is what it is meant to be. */
interface Row {
  readonly name: string;
  readonly value: string;
  readonly aim?: string;
  readonly isMet?: boolean;
}

/** A backend that never answers: what is measured is how jobs are taken, so none is ever done. */
async function startHolder() {
  const server = createServer((incoming) => incoming.resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Waits until the engine has nothing to do; false when the time was over first. */
async function calm({ dataDir }: TestStack): Promise<boolean> {
  const until = performance.now() + CALM_WITHIN_MS;
  while (engineCounts(dataDir).open > 0) {
    if (performance.now() > until) return false;
    await pause(CALM_LOOK_MS);
  }
  return true;
}

interface Offered {
  readonly tookMs: readonly number[];
  /** Processor time a job, from its request until it waits in its lane. */
  readonly used: ReturnType<typeof usedBetween>;
  readonly isCalm: boolean;
}

async function offered(stack: TestStack, accept: Accept): Promise<Offered> {
  const before = await processorTime(stack);
  const tookMs = await offer(accept, { perSecond: RATE_PER_SECOND, forMs: OFFERED_MS });
  const isCalm = await calm(stack);
  return { tookMs, used: usedBetween(before, await processorTime(stack), tookMs.length), isCalm };
}

/** The same load on a gateway that has few waiting jobs, and on the same one with thousands. */
async function acceptRows(hostUrl: string, dispatcher: Agent): Promise<Row[]> {
  const env = { Host1: `host=${hostUrl};mode=direct`, LOG_LEVEL: "Error" };
  await using stack = await startStack({ env });
  const accept = accepting(stack.url, dispatcher);
  await offer(accept, { perSecond: RATE_PER_SECOND / 2, forMs: WARM_UP_MS });
  await calm(stack);
  const empty = await offered(stack, accept);
  const filledAt = performance.now();
  const filled = await fill(accept, FILL);
  const fillRate = (filled.length * 1000) / (performance.now() - filledAt);
  await calm(stack);
  const full = await offered(stack, accept);
  return [
    ...offeredRows(`202 at ${RATE_PER_SECOND} jobs/s`, empty),
    { name: `jobs taken from ${FILL.parallel} clients at once`, value: `${fillRate.toFixed(0)}/s` },
    ...offeredRows(`behind ${filled.length} that wait`, full),
    ...slowerRows(empty, full, filled.length),
  ];
}

function offeredRows(name: string, { tookMs, used, isCalm }: Offered): Row[] {
  const p50 = quantile(tookMs, 0.5);
  return [
    {
      name: `${name}, p50`,
      value: ms(p50),
      aim: `${ACCEPT_AIM_MS} ms or less`,
      isMet: p50 <= ACCEPT_AIM_MS,
    },
    { name: `${name}, p99`, value: ms(quantile(tookMs, 0.99)) },
    {
      name: `${name}, processor time a job until it waits${isCalm ? "" : " (not all do)"}`,
      value: `${ms(used.total)} (${used.parts})`,
    },
  ];
}

function slowerRows(empty: Offered, full: Offered, waiting: number): Row[] {
  const isJudged = waiting >= WAITING_JOBS;
  const row = (name: string, ratio: number): Row => ({
    name,
    value: `${ratio.toFixed(2)} times`,
    aim: `${SLOWER_AIM} times or less`,
    ...(isJudged ? { isMet: ratio <= SLOWER_AIM } : {}),
  });
  return [
    row("the p50 behind them", quantile(full.tookMs, 0.5) / quantile(empty.tookMs, 0.5)),
    row("the processor time behind them", full.used.total / empty.used.total),
  ];
}

/** What orchestrations are woken for while nobody asks, and while everybody does. */
async function pollRows(hostUrl: string, dispatcher: Agent): Promise<Row[]> {
  // Waiting jobs look for themselves now and then: here they do not, so that any wake-up tells.
  const env = {
    Host1: `host=${hostUrl};mode=direct`,
    LOG_LEVEL: "Error",
    GATEWAY_JOBS_RECONCILE_SECONDS: NEVER_SECONDS,
  };
  await using stack = await startStack({ env });
  const { url, dataDir } = stack;
  const locations = await fill(accepting(url, dispatcher), POLLED_FILL);
  const isCalm = await calm(stack);
  const sent = (): number => engineCounts(dataDir).sent;
  const atFirst = sent();
  await pause(POLLED_MS);
  const unasked = sent();
  const polling = { url, locations, everyMs: POLL_EVERY_MS, forMs: POLLED_MS, dispatcher };
  const took = await pollJobs(polling);
  const asked = sent();
  const name = `orchestrations woken while ${locations.length} clients ask ${took.length} times`;
  return [
    { name: "orchestrations woken in as long, unasked", value: String(unasked - atFirst) },
    { name, value: String(asked - unasked), aim: "0", isMet: isCalm && asked === unasked },
    { name: "status, p50", value: ms(quantile(took, 0.5)) },
    { name: "status, p99", value: ms(quantile(took, 0.99)) },
  ];
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

const verdict = ({ isMet }: Row): string => (isMet === undefined ? "" : isMet ? "met" : "MISSED");

async function main(): Promise<void> {
  const startedAt = performance.now();
  using backend = await startHolder();
  const dispatcher = new Agent({ connections: 600, connect: { timeout: CONNECT_WITHIN_MS } });
  const loads = [loadavg()[0] ?? 0];
  const accepted = await acceptRows(backend.url, dispatcher);
  loads.push(loadavg()[0] ?? 0);
  const polled = await pollRows(backend.url, dispatcher);
  loads.push(loadavg()[0] ?? 0);
  await dispatcher.destroy();
  const rows: Row[] = [
    ...accepted,
    ...polled,
    { name: "load average of the machine", value: loads.map((load) => load.toFixed(1)).join(", ") },
    { name: "the run took", value: `${((performance.now() - startedAt) / 1000).toFixed(0)} s` },
  ];
  const cells = rows.map((row) => [row.name, row.value, row.aim ?? "", verdict(row)]);
  console.log(renderTable(["what", "measured", "aim", ""], cells));
}

await main();
