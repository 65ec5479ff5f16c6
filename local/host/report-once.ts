import type { Clock } from "../../shared/core/clock.ts";

const REPEAT_AFTER_MS = 30_000;

/** Prints a problem, but the same one again only after a while: reconnecting reports every attempt. */
export function createReportOnce(
  clock: Clock,
  print: (problem: string) => void,
): (problem: string) => void {
  let last = { problem: "", at: Number.NEGATIVE_INFINITY };
  return (problem) => {
    const at = clock.now();
    if (problem === last.problem && at - last.at < REPEAT_AFTER_MS) return;
    last = { problem, at };
    print(problem);
  };
}
