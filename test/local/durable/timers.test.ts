import { describe, expect, it } from "vitest";
import { historyEvent } from "../../../local/durable/history-events.ts";
import { durableDir } from "../../support/durable-dir.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { ended, rowOf, start, startEngine, until } from "./engine-fixture.ts";
import { createTimer, type FakeEpisode, fakeFunctions } from "./fake-functions.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

const sleepFor = (ms: number) => (episode: FakeEpisode) => ({
  actions: [createTimer(episode.startedAt + ms)],
  ...(episode.has("TimerFired") ? { output: "woke" } : {}),
});

const functions = fakeFunctions({
  orchestrators: { hour: sleepFor(HOUR_MS), minute: sleepFor(60_000), year: sleepFor(YEAR_MS) },
});

describe("durable timers", () => {
  it("fire at their time and not before, the earliest first", async () => {
    using dir = durableDir();
    const clock = new FakeClock();
    const engine = startEngine({ dataDir: dir.path, functions, clock });
    const hour = await start(engine, "hour");
    await until(() => clock.pending === 1);
    const minute = await start(engine, "minute");
    await until(() => rowOf(engine, minute).status === "Running");
    await clock.advance(60_000);
    expect((await ended(engine, minute)).output).toBe('"woke"');
    await clock.advance(HOUR_MS - 60_001);
    expect(rowOf(engine, hour).status).toBe("Running");
    await clock.advance(1);
    expect((await ended(engine, hour)).output).toBe('"woke"');
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  it("that fell due while the engine was down fire at once", async () => {
    using dir = durableDir();
    const clock = new FakeClock();
    const options = { dataDir: dir.path, functions, clock };
    const first = startEngine(options);
    const id = await start(first, "year");
    await until(() => rowOf(first, id).status === "Running");
    await first.close();
    await clock.advance(2 * YEAR_MS);
    const second = startEngine(options);
    await clock.advance(0);
    expect((await ended(second, id)).updatedAt).toBe(clock.now());
    await second.close();
  });

  it("are let go when their instance is terminated", async () => {
    using dir = durableDir();
    const clock = new FakeClock();
    const engine = startEngine({ dataDir: dir.path, functions, clock });
    const id = await start(engine, "hour");
    await until(() => rowOf(engine, id).status === "Running");
    const { store } = engine.context;
    const terminate = historyEvent("ExecutionTerminated", clock.now(), { Input: '"enough"' });
    await store.commit(() => store.sendMessage(id, null, terminate));
    expect((await ended(engine, id)).status).toBe("Terminated");
    expect(store.timers.nextDueAt()).toBe(Number.POSITIVE_INFINITY);
    await engine.close();
  });
});
