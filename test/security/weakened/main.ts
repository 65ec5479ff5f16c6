import { styleText } from "node:util";
import { AS_IT_IS, runWeakened, type Verdict } from "./run-weakened.ts";
import { WEAKENINGS } from "./weakenings.ts";

/**
 * `npm run test:weakened`: every defence is taken away once, and the tests that watch over it must fail.
 * With an argument: only the weakenings whose names, or tests, hold it.
 */
const [, , part = ""] = process.argv;
const chosen = WEAKENINGS.filter((weakening) =>
  [weakening.name, ...weakening.breaks].some((text) => text.includes(part)),
);
const startedAt = Date.now();
const verdicts = await runWeakened(chosen, () => void process.stdout.write("."));
const unnoticed = verdicts.filter(({ problem }) => problem !== undefined);
console.log("");
// On the build as it is nothing is to be noticed.
const shown = verdicts.filter(
  ({ weakening, problem }) => weakening !== AS_IT_IS || problem !== undefined,
);
for (const verdict of shown) console.log(lineOf(verdict));
const seconds = Math.round((Date.now() - startedAt) / 1000);
console.log(
  `${chosen.length} weakenings, ${shown.length} checks in ${seconds} s: ` +
    (unnoticed.length === 0 ? "all noticed" : `${unnoticed.length} NOT as they should be`),
);
process.exitCode = unnoticed.length === 0 && chosen.length > 0 ? 0 : 1;

function lineOf({ weakening, test, problem }: Verdict): string {
  const mark = problem === undefined ? styleText("green", "noticed") : styleText("red", problem);
  return `${weakening.padEnd(60)} ${test.file} > ${test.title}: ${mark}`;
}
