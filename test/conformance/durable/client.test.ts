import * as df from "durable-functions";
import { describe, expect, it } from "vitest";
import { sharedDurableApp } from "../../support/shared-durable-app.ts";
import { waitForEnd, waitForStatus } from "../../support/wait-for-status.ts";

// biome-ignore lint/correctness/useYield: an orchestrator is a generator, also one that waits for nothing
df.app.orchestration("return", function* (context) {
  return context.df.getInput();
});
df.app.orchestration("waiting", function* (context) {
  return yield context.df.waitForExternalEvent("go");
});
// biome-ignore lint/correctness/useYield: an orchestrator is a generator, also one that waits for nothing
df.app.orchestration("version", function* (context) {
  return context.df.version ?? "none";
});

const app = sharedDurableApp();

async function run(instanceId: string, input: unknown = null) {
  await app.client.startNew("return", { instanceId, input });
  return waitForEnd(app.client, instanceId);
}

describe("the client of the SDK", () => {
  it("starts with a chosen id, which cannot be used twice while it runs", async () => {
    await app.client.startNew("waiting", { instanceId: "once", input: null });
    const again = app.client.startNew("waiting", { instanceId: "once", input: null });
    await expect(again).rejects.toThrow("409");
    await app.client.terminate("once", "done");
    await waitForEnd(app.client, "once");
  });

  it("uses the id of an ended instance again", async () => {
    expect((await run("reused", 1)).output).toBe(1);
    expect((await run("reused", 2)).output).toBe(2);
  });

  it("passes the version on", async () => {
    const id = await app.client.startNew("version", { input: null, version: "1.2" });
    expect((await waitForEnd(app.client, id)).output).toBe("1.2");
  });

  it("gives an orchestrator without input the empty string, as the SDK sends it", async () => {
    const id = await app.client.startNew("return");
    expect((await waitForEnd(app.client, id)).output).toBe("");
  });

  it("refuses unknown orchestrators and impossible ids", async () => {
    await expect(app.client.startNew("nobody", { input: 1 })).rejects.toThrow("400");
    const id = "x".repeat(257);
    await expect(app.client.startNew("return", { instanceId: id })).rejects.toThrow("400");
    await expect(app.client.startNew("return", { instanceId: "@a@b" })).rejects.toThrow("400");
  });

  it("tells instances that do not exist from those that have ended", async () => {
    await expect(app.client.getStatus("missing")).rejects.toThrow("404");
    await expect(app.client.raiseEvent("missing", "go", 1)).rejects.toThrow("No instance");
    await expect(app.client.terminate("missing", "why")).rejects.toThrow("No instance");
    await expect(app.client.suspend("missing", "why")).rejects.toThrow("No instance");
    await expect(app.client.resume("missing", "why")).rejects.toThrow("No instance");
    await run("over");
    await expect(app.client.terminate("over", "why")).resolves.toBeUndefined();
  });

  it("raises events with and without data, but none with a numeric name", async () => {
    for (const [instanceId, data] of [
      ["data", { deep: [1] }],
      ["nothing", undefined],
    ] as const) {
      await app.client.startNew("waiting", { instanceId, input: null });
      await app.client.raiseEvent(instanceId, "go", data);
      expect((await waitForEnd(app.client, instanceId)).output).toEqual(data ?? null);
    }
    await app.client.startNew("waiting", { instanceId: "numeric", input: null });
    await expect(app.client.raiseEvent("numeric", "7", 1)).rejects.toThrow("is a number");
    await app.client.terminate("numeric", "done");
  });

  it("follows continuation tokens through all instances, oldest first", async () => {
    const startedAt = new Date(Date.now() - 1);
    await Promise.all(Array.from({ length: 230 }, (_, n) => run(`many-${n}`)));
    const all = await app.client.getStatusBy({ createdTimeFrom: startedAt });
    expect(all.length).toBe(230);
    expect(new Set(all.map(({ instanceId }) => instanceId)).size).toBe(230);
    expect((await app.client.getStatusAll()).length).toBeGreaterThanOrEqual(230);
  });

  it("filters by status", async () => {
    await app.client.startNew("waiting", { instanceId: "pausing", input: null });
    await app.client.suspend("pausing", "for a while");
    await waitForStatus(app.client, "pausing", (s) => s.runtimeStatus === "Suspended");
    const { OrchestrationRuntimeStatus: Status } = df;
    const suspended = await app.client.getStatusBy({ runtimeStatus: [Status.Suspended] });
    expect(suspended.map(({ instanceId }) => instanceId)).toEqual(["pausing"]);
  });

  it("purges ended instances only, one or many", async () => {
    await run("purged");
    expect(await app.client.purgeInstanceHistory("purged")).toEqual({ instancesDeleted: 1 });
    expect(await app.client.purgeInstanceHistory("purged")).toEqual({ instancesDeleted: 0 });
    await app.client.startNew("waiting", { instanceId: "alive", input: null });
    await expect(app.client.purgeInstanceHistory("alive")).rejects.toThrow("has not ended");
    const before = (await app.client.getStatusAll()).length;
    const { instancesDeleted } = await app.client.purgeInstanceHistoryBy({
      createdTimeFrom: new Date(0),
    });
    const left = await app.client.getStatusAll();
    expect(instancesDeleted).toBe(before - left.length);
    expect(instancesDeleted).toBeGreaterThan(230);
    expect(left.map(({ instanceId }) => instanceId)).toContain("alive");
    await app.client.raiseEvent("alive", "go", "still here");
    expect((await waitForEnd(app.client, "alive")).output).toBe("still here");
  });

  it("is told that rewind is not emulated", async () => {
    await run("no-rewind");
    await expect(app.client.rewind("no-rewind", "why")).rejects.toThrow("does not emulate rewind");
  });
});
