import { parentPort } from "node:worker_threads";
import { type CountTask, countTokens } from "./count-tokens.ts";

/** Several tasks at a time; whoever sends them waits for all. */
parentPort?.on("message", async (tasks: readonly CountTask[]) => {
  const counts = await Promise.allSettled(tasks.map(countTokens));
  parentPort?.postMessage(
    counts.map((count) => (count.status === "fulfilled" ? count.value : undefined)),
  );
});
