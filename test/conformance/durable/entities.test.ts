import * as df from "durable-functions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DurableApp, startDurableApp } from "../../support/durable-app.ts";
import { durableDir } from "../../support/durable-dir.ts";
import { eventually } from "../../support/eventually.ts";
import { waitForEnd } from "../../support/wait-for-status.ts";

df.app.entity("Counter", (context) => {
  const count = context.df.getState(() => 0) as number;
  switch (context.df.operationName) {
    case "add":
      context.df.setState(count + Number(context.df.getInput()));
      break;
    case "get":
      context.df.return(count);
      break;
    case "delete":
      context.df.destructOnExit();
      break;
    case "pass":
      context.df.signalEntity(new df.EntityId("Counter", "Second"), "add", count);
      break;
    default:
      throw new Error("no such operation");
  }
});
df.app.orchestration("count", function* (context) {
  const id = new df.EntityId("Counter", String(context.df.getInput()));
  context.df.signalEntity(id, "add", 4);
  yield context.df.callEntity(id, "add", 3);
  return yield context.df.callEntity(id, "get");
});
df.app.orchestration("miscount", function* (context) {
  return yield context.df.callEntity(new df.EntityId("Counter", "any"), "nonsense");
});
df.app.orchestration("locking", function* (context) {
  yield context.df.lock([new df.EntityId("Counter", "locked")]);
});

const dir = durableDir();
let app: DurableApp;
beforeAll(async () => {
  app = await startDurableApp({ dataDir: dir.path });
});
afterAll(async () => {
  await app.close();
  dir[Symbol.dispose]();
});

const read = (key: string) => app.client.readEntityState(new df.EntityId("Counter", key));
const signal = (key: string, operation: string, input?: unknown) =>
  app.client.signalEntity(new df.EntityId("Counter", key), operation, input);
async function outcome(name: string, input: unknown = null) {
  return waitForEnd(app.client, await app.client.startNew(name, { input }));
}

describe("entities through the SDK", () => {
  it("keep their state, and handle signals in order", async () => {
    for (let n = 1; n <= 120; n++) await signal("ordered", "add", n);
    await eventually(() => read("ordered")).toEqual({
      entityExists: true,
      entityState: (120 * 121) / 2,
    });
  });

  it("answer an orchestrator that calls them, after the signals it sent before", async () => {
    expect((await outcome("count", "called")).output).toBe(7);
  });

  it("signal one another, keys keeping their case", async () => {
    await signal("first", "add", 5);
    await signal("first", "pass");
    await eventually(() => read("Second")).toMatchObject({ entityState: 5 });
    expect(await read("second")).toEqual({ entityExists: false });
  });

  it("are gone once they destroy themselves", async () => {
    await signal("brief", "add", 1);
    await eventually(() => read("brief")).toMatchObject({ entityExists: true });
    await signal("brief", "delete");
    await eventually(() => read("brief")).toEqual({ entityExists: false });
  });

  it("fail the orchestrator when an operation throws", async () => {
    const { runtimeStatus, output } = await outcome("miscount");
    expect(runtimeStatus).toBe("Failed");
    expect(output).toContain("Orchestrator function 'miscount' failed");
  });

  it("refuse locks by name", async () => {
    const { output } = await outcome("locking");
    expect(output).toContain("does not emulate entity locks");
  });

  it("keep state and undelivered signals over a restart", async () => {
    await signal("lasting", "add", 20);
    await signal("lasting", "add", 22);
    await app.close();
    app = await startDurableApp({ dataDir: dir.path });
    await eventually(() => read("lasting")).toMatchObject({ entityState: 42 });
  });

  it("refuse a signal to an entity that nobody registered", async () => {
    const unknown = app.client.signalEntity(new df.EntityId("Nobody", "k"), "add", 1);
    await expect(unknown).rejects.toThrow("400");
  });
});
