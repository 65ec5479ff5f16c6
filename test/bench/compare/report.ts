import { quantile } from "../figures.ts";
import type { Round } from "./measure.ts";
import type { Scenario } from "./plan.ts";
import { TARGET_NAMES, type TargetName } from "./targets.ts";

/** All rounds of one scenario. */
export interface Measured {
  readonly scenario: Scenario;
  readonly rounds: readonly Round[];
}

/** One value a target: the median over its rounds. */
export type Value = Exclude<keyof Round, "target">;

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A target's rounds, in their order. */
export const roundsOf = ({ rounds }: Measured, name: TargetName): Round[] =>
  rounds.filter(({ target }) => target === name);

const NAME_WIDTH = Math.max(...TARGET_NAMES.map(({ length }) => length));

/** Prints what every target showed. */
export function printScenario(measured: Measured): void {
  const { title, part } = measured.scenario;
  console.log(`\n${title}`);
  const columns = part === "events" ? EVENT_COLUMNS : REQUEST_COLUMNS;
  console.log(["".padEnd(NAME_WIDTH), ...columns.map(([head]) => head.padStart(16))].join(""));
  for (const name of TARGET_NAMES) {
    const rounds = roundsOf(measured, name);
    if (rounds.length === 0) continue;
    if (rounds.every(({ perSecond }) => perSecond === 0)) {
      console.log(`${name.padEnd(NAME_WIDTH)}    no whole answer with status 200`);
      continue;
    }
    const cells = columns.map(([, value, digits]) =>
      median(rounds.map((round) => round[value]))
        .toFixed(digits)
        .padStart(16),
    );
    console.log([name.padEnd(NAME_WIDTH), ...cells].join(""));
  }
}

type Column = readonly [head: string, value: Value, digits: number];

const REQUEST_COLUMNS: readonly Column[] = [
  ["requests/s", "perSecond", 0],
  ["p50 ms", "p50", 2],
  ["p99 ms", "p99", 2],
  ["CPU ms each", "cpuMs", 3],
  ["RSS MB", "residentMb", 0],
  ["failures", "failures", 0],
];
const EVENT_COLUMNS: readonly Column[] = [
  ["event p50 ms", "eventP50", 2],
  ["event p99 ms", "eventP99", 2],
  ["silence ms", "longestSilenceMs", 0],
  ["CPU ms each", "cpuMs", 3],
  ["RSS MB", "residentMb", 0],
  ["failures", "failures", 0],
];
