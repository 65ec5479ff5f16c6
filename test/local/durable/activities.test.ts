import { describe, expect, it } from "vitest";
import { durableDir } from "../../support/durable-dir.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { ended, rowOf, start, startEngine, until } from "./engine-fixture.ts";
import { callActivity, type FakeEpisode, fakeFunctions } from "./fake-functions.ts";

/** Calls `count` activities at once and ends when all have ended. */
const fanOut = (count: number) => (episode: FakeEpisode) => {
  const results = episode.history.filter(({ Result }) => Result !== undefined);
  const compoundActions = Array.from({ length: count }, (_, n) => callActivity("work", n));
  return {
    actions: [{ actionType: 12, compoundActions }],
    ...(results.length === count ? { output: results.map(({ Result }) => Result) } : {}),
  };
};

interface Running {
  input: unknown;
  end: (result?: unknown) => void;
}

function gatedActivities() {
  const running: Running[] = [];
  const work = (input: unknown) =>
    new Promise((resolve) => {
      running.push({ input, end: (result = input) => resolve(result) });
    });
  const functions = fakeFunctions({
    orchestrators: { one: fanOut(1), ten: fanOut(10) },
    activities: { work },
  });
  return { running, functions };
}

describe("activities", () => {
  it("run no more at once than allowed, in the order they were scheduled", async () => {
    using dir = durableDir();
    const { running, functions } = gatedActivities();
    const limits = { maxConcurrentActivityFunctions: 3 };
    const engine = startEngine({ dataDir: dir.path, functions, ...limits });
    const id = await start(engine, "ten");
    for (let done = 0; done < 10; done++) {
      await until(() => running.length === Math.min(done + 3, 10));
      running[done]?.end();
    }
    expect((await ended(engine, id)).status).toBe("Completed");
    expect(running.map(({ input }) => input)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await engine.close();
  });

  it("still running when the grace of a close is over run again at the next start", async () => {
    using dir = durableDir();
    const clock = new FakeClock();
    const { running, functions } = gatedActivities();
    const lines: string[] = [];
    const options = {
      dataDir: dir.path,
      functions,
      clock,
      log: (line: string) => lines.push(line),
    };
    const first = startEngine(options);
    const id = await start(first, "one");
    await until(() => running.length === 1);
    const closed = first.close();
    await clock.advance(10_000);
    await closed;
    expect(lines).toEqual([
      "Durable: what still ran after 10000 ms is run again at the next start.",
    ]);
    running[0]?.end("too late");
    const second = startEngine(options);
    await until(() => running.length === 2);
    running[1]?.end("in time");
    expect((await ended(second, id)).output).toBe('["\\"in time\\""]');
    await second.close();
  });

  it("are waited for by a close within its grace", async () => {
    using dir = durableDir();
    const { running, functions } = gatedActivities();
    const options = { dataDir: dir.path, functions };
    const first = startEngine(options);
    const id = await start(first, "one");
    await until(() => running.length === 1);
    const closed = first.close();
    running[0]?.end("just in time");
    await closed;
    const second = startEngine(options);
    expect((await ended(second, id)).output).toBe('["\\"just in time\\""]');
    expect(running.length).toBe(1);
    await second.close();
  });

  it("of an ended instance still run, and nobody hears of them", async () => {
    using dir = durableDir();
    const { running, functions } = gatedActivities();
    const orchestrators = {
      hasty: () => ({ actions: [callActivity("work", "left behind")], output: "done" }),
    };
    const hasty = fakeFunctions({ orchestrators, activities: { work: () => "unused" } });
    const engine = startEngine({
      dataDir: dir.path,
      functions: { ...hasty, invokeActivity: functions.invokeActivity },
    });
    const id = await start(engine, "hasty");
    await ended(engine, id);
    await until(() => running.length === 1);
    running[0]?.end();
    await until(() => engine.context.store.work.after(0, 1).length === 0);
    expect(rowOf(engine, id)).toMatchObject({ status: "Completed", output: '"done"' });
    await engine.close();
  });
});
