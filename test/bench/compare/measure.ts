import { residentBytes } from "../../support/host-memory.ts";
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
}

const MEMORY_SAMPLE_MS = 100;
const MIB = 1024 * 1024;
const WARM_UP_MS = 2000;

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
  if (scenario.durationMs > 0) {
    for (const target of targets) await load.run(orderOf(target, scenario, WARM_UP_MS));
  }
  for (let round = 0; round < scenario.rounds; round += 1) {
    for (const target of targets) rounds.push(await oneRound(load, target, scenario));
  }
  return rounds;
}

const orderOf = (
  { port, headers }: Target,
  { answer, connections }: Scenario,
  durationMs: number,
) => ({
  target: { port, headers },
  answer,
  connections,
  durationMs,
});

async function oneRound(load: LoadGenerator, target: Target, scenario: Scenario): Promise<Round> {
  const memory = watchMemory(target.pids);
  const result = await load.run(orderOf(target, scenario, scenario.durationMs));
  return { target: target.name, ...summary(result), residentMb: memory() };
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

/** Follows the memory of processes; what it returns stops that, and tells the most. */
function watchMemory(pids: readonly number[]): () => number {
  let highest = 0;
  const look = (): void => {
    highest = Math.max(
      highest,
      pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
    );
  };
  const timer = setInterval(look, MEMORY_SAMPLE_MS);
  return () => {
    clearInterval(timer);
    look();
    return highest / MIB;
  };
}
