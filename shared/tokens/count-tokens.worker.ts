import { parentPort } from "node:worker_threads";
import { type CountTask, countTokens, type TokenCount } from "./count-tokens.ts";

/** Several tasks at a time; whoever sends them waits for all. */
parentPort?.on("message", (tasks: readonly CountTask[]) => {
  parentPort?.postMessage(tasks.map(countOf));
});

/** Nothing for what cannot be counted. */
function countOf(task: CountTask): TokenCount | undefined {
  try {
    return countTokens(task);
  } catch {
    return undefined;
  }
}
