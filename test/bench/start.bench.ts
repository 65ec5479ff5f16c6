import { startStack } from "../support/stack.ts";
import { type Figure, printFigures } from "./figures.ts";

/** Seconds from `npm start`'s entry point to `ready`, with a warm build: the best of three. */
export async function benchStart(): Promise<Figure[]> {
  const seconds: number[] = [];
  for (let run = 0; run < 3; run++) {
    const startedAt = performance.now();
    const stack = await startStack();
    seconds.push((performance.now() - startedAt) / 1000);
    await stack[Symbol.asyncDispose]();
  }
  const value = Math.min(...seconds);
  return [{ name: "npm start to ready, warm build", value, unit: "s", aim: "6 or less" }];
}

if (import.meta.main) printFigures(await benchStart());
