import { beforeAll, describe, expect, it } from "vitest";
import { type DurableApp, sdkFunctions, startDurableApp } from "../../support/durable-app.ts";
import { type DurableDir, durableDir } from "../../support/durable-dir.ts";
import { waitForEnd } from "../../support/wait-for-status.ts";
import { registerFuzzFunctions } from "./fuzz-functions.ts";
import { eventsOf, ProgramMaker } from "./fuzz-program.ts";
import { IdOracle } from "./id-oracle.ts";

const ORCHESTRATIONS = 80;

beforeAll(registerFuzzFunctions);

interface Fuzz {
  oracle: IdOracle;
  dir: DurableDir;
  seed: number;
}

function start({ oracle, dir }: Fuzz, maxEpisodesAtOnce = 20): Promise<DurableApp> {
  return startDurableApp({
    dataDir: dir.path,
    functions: sdkFunctions(oracle.watcher),
    maxConcurrentOrchestratorFunctions: maxEpisodesAtOnce,
  });
}

/** Starts random orchestrations and raises the events they wait for, some early and some late. */
async function startAll(app: DurableApp, { seed }: Fuzz): Promise<string[]> {
  const maker = new ProgramMaker(seed);
  const ids = Array.from({ length: ORCHESTRATIONS }, (_, index) => `fuzz-${seed}-${index}`);
  await Promise.all(
    ids.map(async (instanceId) => {
      const program = maker.program();
      await app.client.startNew("fuzz", { instanceId, input: program });
      for (const name of eventsOf(program)) await app.client.raiseEvent(instanceId, name, name);
    }),
  );
  return ids;
}

/** What did not complete. */
async function failures(app: DurableApp, ids: readonly string[]): Promise<unknown[]> {
  const failed: unknown[] = [];
  for (const id of ids) {
    const { runtimeStatus, output } = await waitForEnd(app.client, id);
    if (runtimeStatus !== "Completed") failed.push({ id, output });
  }
  return failed;
}

describe("task ids, against the SDK's own counters", () => {
  it.each([1, 2])("agree in random orchestrations (seed %i)", async (seed) => {
    using dir = durableDir();
    const fuzz = { oracle: new IdOracle(), dir, seed };
    await using app = await start(fuzz);
    const ids = await startAll(app, fuzz);
    expect(await failures(app, ids)).toEqual([]);
    expect(fuzz.oracle.mismatches).toEqual([]);
    expect(fuzz.oracle.episodes).toBeGreaterThan(ORCHESTRATIONS);
  });

  it.each([3, 4])("agree when the engine restarts in the middle (seed %i)", async (seed) => {
    using dir = durableDir();
    const fuzz = { oracle: new IdOracle(), dir, seed };
    const idle = await start(fuzz, 0);
    const ids = await startAll(idle, fuzz);
    await idle.close();
    for (let restart = 1; restart <= 5; restart++) {
      const app = await start(fuzz);
      await fuzz.oracle.reaches(restart * 50);
      await app.close();
    }
    await using app = await start(fuzz);
    expect(await failures(app, ids)).toEqual([]);
    expect(fuzz.oracle.mismatches).toEqual([]);
    // Only here is it certain: every event was raised before the first episode.
    expect(fuzz.oracle.reruns).toBeGreaterThan(0);
  });
});
