import { describe, expect, it } from "vitest";
import { historyEvent } from "../../../local/durable/history-events.ts";
import { durableDir } from "../../support/durable-dir.ts";
import { ended, rowOf, start, startEngine, until } from "./engine-fixture.ts";
import { callActivity, type FakeEpisode, fakeFunctions } from "./fake-functions.ts";

const waitFor = (externalEventName: string) => ({ actionType: 6, externalEventName });

/** Counts the events it was given and ends after the fifth. */
const counter = (episode: FakeEpisode) => {
  const count = episode.history.filter(({ EventType: type }) => type === 15).length;
  return { actions: [waitFor("tick")], ...(count >= 5 ? { output: count } : {}) };
};

describe("episodes", () => {
  it("run one at a time for an instance, however many events come meanwhile", async () => {
    using dir = durableDir();
    let running = 0;
    let most = 0;
    const functions = fakeFunctions({
      orchestrators: {
        async slow(episode) {
          running += 1;
          most = Math.max(most, running);
          for (let turn = 0; turn < 10; turn++) await new Promise((r) => setImmediate(r));
          running -= 1;
          return counter(episode);
        },
      },
    });
    const engine = startEngine({ dataDir: dir.path, functions });
    const id = await start(engine, "slow");
    const { store } = engine.context;
    for (let n = 0; n < 5; n++) {
      const tick = historyEvent("EventRaised", 0, { Name: "tick", Input: "1" });
      await store.commit(() => store.sendMessage(id, null, tick));
    }
    expect((await ended(engine, id)).output).toBe("5");
    expect(most).toBe(1);
    await engine.close();
  });

  it("hear of a resume behind more events than one episode takes", async () => {
    using dir = durableDir();
    const given: number[] = [];
    const functions = fakeFunctions({
      orchestrators: {
        many(episode) {
          const count = episode.history.filter(({ EventType: type }) => type === 15).length;
          given.push(count);
          return { actions: [waitFor("tick")], ...(count === 2_500 ? { output: count } : {}) };
        },
      },
    });
    const engine = startEngine({ dataDir: dir.path, functions });
    const { store } = engine.context;
    const id = await start(engine, "many");
    const send = (type: "ExecutionSuspended" | "ExecutionResumed" | "EventRaised", count = 1) =>
      store.commit(() => {
        const event = historyEvent(type, 0, { Name: "tick", Input: "1" });
        for (let n = 0; n < count; n++) store.sendMessage(id, null, event);
      });
    await send("ExecutionSuspended");
    await until(() => rowOf(engine, id).status === "Suspended");
    await send("EventRaised", 2_500);
    expect(given.at(-1) ?? 0).toBe(0);
    await send("ExecutionResumed");
    expect((await ended(engine, id)).output).toBe("2500");
    expect(Math.max(...given.slice(1).map((count, at) => count - (given[at] ?? 0)))).toBeLessThan(
      1_001,
    );
    await engine.close();
  });

  it("take nothing from a new instance when they clear out after an old one", async () => {
    using dir = durableDir();
    const functions = fakeFunctions({
      orchestrators: { quick: () => ({ actions: [], output: 1 }) },
    });
    const engine = startEngine({ dataDir: dir.path, functions });
    const { store } = engine.context;
    const id = await start(engine, "quick");
    const { executionId } = await ended(engine, id);
    let restarted: Promise<unknown> = Promise.resolve();
    await store.commit(() => {
      // Late for the old instance, and asked for first: the restart is written just after the
      // engine has seen that this message has no one to go to, and before it is deleted.
      store.sendMessage(id, executionId, historyEvent("EventRaised", 0, { Name: "late" }));
      restarted = start(engine, "quick");
    });
    await restarted;
    await until(() => rowOf(engine, id).executionId !== executionId);
    expect((await ended(engine, id)).output).toBe("1");
    await engine.close();
  });

  it("run for no more instances at once than allowed", async () => {
    using dir = durableDir();
    const gates: (() => void)[] = [];
    const wait = () => new Promise<void>((resolve) => gates.push(resolve));
    const gated = async () => {
      await wait();
      return { actions: [], output: 1 };
    };
    const functions = fakeFunctions({ orchestrators: { a: gated, b: gated, c: gated } });
    const limits = { maxConcurrentOrchestratorFunctions: 2 };
    const engine = startEngine({ dataDir: dir.path, functions, ...limits });
    const ids = await Promise.all(["a", "b", "c"].map((name) => start(engine, name)));
    await until(() => gates.length === 2);
    gates[0]?.();
    await until(() => gates.length === 3);
    gates[1]?.();
    gates[2]?.();
    for (const id of ids) expect((await ended(engine, id)).status).toBe("Completed");
    await engine.close();
  });

  it("fail an orchestrator that asks for something else on replay", async () => {
    using dir = durableDir();
    let calls = 0;
    const functions = fakeFunctions({
      orchestrators: { fickle: () => ({ actions: [callActivity(`work${calls++}`)] }) },
      activities: { work0: () => 1, work1: () => 1 },
    });
    const engine = startEngine({ dataDir: dir.path, functions });
    const row = await ended(engine, await start(engine, "fickle"));
    expect(row.status).toBe("Failed");
    expect(row.output).toMatch(
      /Orchestrator function 'fickle' failed: Non-deterministic orchestrator: .*CallActivity work0.*CallActivity work1/,
    );
    await engine.close();
  });

  it.each([
    ["an activity", [callActivity("gone")], "an activity function"],
    ["a sub-orchestration", [{ actionType: 2, functionName: "gone" }], "an orchestrator function"],
    [
      "an entity",
      [{ actionType: 9, instanceId: "@gone@k", operation: "add" }],
      "an entity function",
    ],
  ])("fail an orchestrator that calls %s nobody registered", async (_, actions, words) => {
    using dir = durableDir();
    const functions = fakeFunctions({ orchestrators: { lost: () => ({ actions }) } });
    const engine = startEngine({ dataDir: dir.path, functions });
    const row = await ended(engine, await start(engine, "lost"));
    expect(row.output).toContain(
      `The function 'gone' doesn't exist, is disabled, or is not ${words}`,
    );
    await engine.close();
  });

  it("fail an instance whose orchestrator is not registered any more", async () => {
    using dir = durableDir();
    const engine = startEngine({ dataDir: dir.path, functions: fakeFunctions({}) });
    const row = await ended(engine, await start(engine, "removed"));
    expect(row).toMatchObject({ status: "Failed" });
    expect(row.output).toContain("The function 'removed' doesn't exist");
    await engine.close();
  });

  it("find functions whatever the case of their names", async () => {
    using dir = durableDir();
    const functions = fakeFunctions({
      orchestrators: {
        Mixed: (episode) => ({
          actions: [callActivity("WORK")],
          ...(episode.has("TaskCompleted") ? { output: "ok" } : {}),
        }),
      },
      activities: { work: () => 1 },
    });
    const engine = startEngine({ dataDir: dir.path, functions });
    expect((await ended(engine, await start(engine, "mixed"))).output).toBe('"ok"');
    await engine.close();
  });

  it("leave an instance that waits as it is over a restart", async () => {
    using dir = durableDir();
    const options = { dataDir: dir.path, functions: fakeFunctions({ orchestrators: { counter } }) };
    const first = startEngine(options);
    const id = await start(first, "counter");
    await until(() => rowOf(first, id).status === "Running");
    await first.close();
    const second = startEngine(options);
    const { store } = second.context;
    for (let n = 0; n < 5; n++) {
      const tick = historyEvent("EventRaised", 0, { Name: "tick", Input: "1" });
      await store.commit(() => store.sendMessage(id, null, tick));
    }
    expect((await ended(second, id)).output).toBe("5");
    await second.close();
  });
});
