import { parentPort } from "node:worker_threads";
import { type CountTask, countTokens } from "./count-tokens.ts";

/** One task at a time; whoever sends them waits for each. */
parentPort?.on("message", (task: CountTask) => {
  countTokens(task).then(
    (count) => parentPort?.postMessage(count),
    () => parentPort?.postMessage(undefined),
  );
});
