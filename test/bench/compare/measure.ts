import { cpuMs, residentBytes } from "../../support/host-memory.ts";
import { quantile } from "../figures.ts";
import type { LoadGenerator } from "./child.ts";
import type { LoadResult } from "./orders.ts";
import type { Scenario } from "./plan.ts";
import type { Target, TargetName } from "./targets.ts";

/** What one round on one target showed. */
export interface Round {
  readonly target: TargetName;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly eventP50: number;
  readonly eventP99: number;
  readonly failures: number;
  readonly longestSilenceMs: number;
  readonly residentMb: number;
  /** Processor time a request, which other work on the machine hardly changes. */
  readonly cpuMs: number;
}

const MEMORY_SAMPLE_MS = 100;
const MIB = 1024 * 1024;
// An engine compiles again and again what runs often: behind a few thousand requests a server of much code
// still takes twice the time of each that it takes behind forty thousand.
const WARM_UP_REQUESTS = 40_000;
const WARM_UP_MS = 30_000;
const PACED_WARM_UP_MS = 10_000;
const WARM_UP_WINDOW_MS = 2500;
const WARM_UP_CONNECTIONS = 32;

/** Lets each target's code be compiled for the answers of the scenarios, before anything is measured. */
export async function warmUp(
  load: LoadGenerator,
  targets: readonly Target[],
  scenarios: readonly Scenario[],
): Promise<void> {
  const parts = new Set(scenarios.map(({ part }) => part));
  for (const target of targets) {
    if (parts.has("json")) await warmUpFor(load, target, { answer: {}, limitMs: WARM_UP_MS });
    if (parts.has("sse")) {
      await warmUpFor(load, target, { answer: { events: 50 }, limitMs: WARM_UP_MS });
    }
    if (parts.has("events")) {
      const answer = { events: 50, intervalMs: 5 };
      await warmUpFor(load, target, { answer, limitMs: PACED_WARM_UP_MS });
    }
  }
}

interface WarmUp {
  readonly answer: Scenario["answer"];
  readonly limitMs: number;
}

async function warmUpFor(
  load: LoadGenerator,
  target: Target,
  { answer, limitMs }: WarmUp,
): Promise<void> {
  const order = orderOf(target, { answer, connections: WARM_UP_CONNECTIONS }, WARM_UP_WINDOW_MS);
  let requests = 0;
  for (let ms = 0; ms < limitMs && requests < WARM_UP_REQUESTS; ms += WARM_UP_WINDOW_MS) {
    const { requestMs, failures } = await load.run(order);
    // Who answers none is not going to.
    if (requestMs.length === 0) return;
    requests += requestMs.length + failures;
  }
}

/**
 * Lays a scenario on the targets, round by round in turn: all meet the same machine, and a ratio of
 * two neighbours says more than any of their figures.
 */
export async function measure(
  load: LoadGenerator,
  targets: readonly Target[],
  scenario: Scenario,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < scenario.rounds; round += 1) {
    for (const target of targets) rounds.push(await oneRound(load, target, scenario));
  }
  return rounds;
}

const orderOf = (
  { port, headers }: Target,
  { answer, connections }: Pick<Scenario, "answer" | "connections">,
  durationMs: number,
) => ({
  target: { port, headers },
  answer,
  connections,
  durationMs,
});

async function oneRound(load: LoadGenerator, target: Target, scenario: Scenario): Promise<Round> {
  const memory = watchMemory(target.pids);
  const cpuBefore = sumOf(target.pids, cpuMs);
  const result = await load.run(orderOf(target, scenario, scenario.durationMs));
  const cpu = (sumOf(target.pids, cpuMs) - cpuBefore) / result.requestMs.length;
  return { target: target.name, ...summary(result), cpuMs: cpu, residentMb: memory() };
}

function summary({ elapsedMs, requestMs, eventMs, ...rest }: LoadResult) {
  return {
    perSecond: (requestMs.length / elapsedMs) * 1000,
    p50: quantile(requestMs, 0.5),
    p99: quantile(requestMs, 0.99),
    eventP50: quantile(eventMs, 0.5),
    eventP99: quantile(eventMs, 0.99),
    ...rest,
  };
}

const sumOf = (pids: readonly number[], measureOne: (pid: number) => number): number =>
  pids.reduce((sum, pid) => sum + measureOne(pid), 0);

/** Follows the memory of processes; what it returns stops that, and tells the most. */
function watchMemory(pids: readonly number[]): () => number {
  let highest = 0;
  const look = (): void => {
    highest = Math.max(highest, sumOf(pids, residentBytes));
  };
  const timer = setInterval(look, MEMORY_SAMPLE_MS);
  return () => {
    clearInterval(timer);
    look();
    return highest / MIB;
  };
}
