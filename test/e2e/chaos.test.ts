import { rmSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { isClean, report } from "../chaos/report.ts";
import { runChaos } from "../chaos/run-chaos.ts";
import { makeDataDir } from "../support/stack.ts";

const OPTIONS = { seed: 3, jobs: 40, kills: 4, withinMs: 160_000, keepsFolder: false };

/** `npm run test:chaos` in small: see docs/reliability.md. */
describe("parts of the stack that are killed at random", () => {
  it("cost no job, and double none", async () => {
    const dataDir = makeDataDir();
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const result = await runChaos({ ...OPTIONS, dataDir, log: () => {} });
    expect(isClean(result), report(result, OPTIONS)).toBe(true);
  });
});
