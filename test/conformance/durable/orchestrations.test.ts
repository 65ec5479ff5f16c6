import * as df from "durable-functions";
import { describe, expect, it } from "vitest";
import { sharedDurableApp } from "../../support/shared-durable-app.ts";
import { waitForEnd, waitForStatus } from "../../support/wait-for-status.ts";

df.app.activity("hello", { handler: (name: string) => `hello ${name}` });
df.app.activity("echo", { handler: (value: unknown) => value });
const failures = new Map<string, number>();
df.app.activity("flaky", {
  handler: ({ key, failTimes }: { key: string; failTimes: number }) => {
    const failed = failures.get(key) ?? 0;
    if (failed >= failTimes) return `after ${failed}`;
    failures.set(key, failed + 1);
    throw new Error(`flaky ${failed + 1}`);
  },
});

df.app.orchestration("two", function* (context) {
  const a: string = yield context.df.callActivity("hello", "x");
  const b: string = yield context.df.callActivity("hello", a);
  return { a, b };
});
df.app.orchestration("roundTrips", function* (context) {
  const values = ["str", "5", 5, 1.5, true, [1, 2], { a: 1 }, null, undefined];
  const results: unknown[] = yield context.df.Task.all(
    values.map((value) => context.df.callActivity("echo", value)),
  );
  return results.map((result) => (result === undefined ? "undefined" : result));
});
df.app.orchestration("retrying", function* (context) {
  const retry = new df.RetryOptions(1, 3);
  retry.backoffCoefficient = 2;
  return yield context.df.callActivityWithRetry("flaky", retry, context.df.getInput());
});
df.app.orchestration("events", function* (context) {
  const first = yield context.df.waitForExternalEvent("go");
  const second = yield context.df.waitForExternalEvent("go");
  return [first, second];
});
df.app.orchestration("parent", function* (context) {
  const tasks = [1, 2, 3].map((n) => context.df.callSubOrchestrator("child", n));
  return yield context.df.Task.all(tasks);
});
df.app.orchestration("child", function* (context) {
  const input = Number(context.df.getInput());
  return yield context.df.callActivity("echo", input * 10);
});
df.app.orchestration("counting", function* (context) {
  const count = Number(context.df.getInput());
  yield context.df.callActivity("echo", count);
  context.df.setCustomStatus(`count ${count}`);
  if (count < 5) context.df.continueAsNew(count + 1);
  return count;
});
df.app.orchestration("failing", function* (context) {
  yield context.df.callActivity("echo", 1);
  throw new Error("on purpose");
});

const app = sharedDurableApp();

describe("orchestrations through the SDK", () => {
  it("runs activities one after the other and returns the orchestrator's result", async () => {
    const status = await app.run("two");
    expect(status.runtimeStatus).toBe("Completed");
    expect(status.output).toEqual({ a: "hello x", b: "hello hello x" });
  });

  it("carries every kind of value to an activity and back", async () => {
    const { output } = await app.run("roundTrips");
    expect(output).toEqual(["str", "5", 5, 1.5, true, [1, 2], { a: 1 }, null, null]);
  });

  it("retries a failing activity until it succeeds", async () => {
    const { output } = await app.run("retrying", { key: "succeeds", failTimes: 2 });
    expect(output).toBe("after 2");
  });

  it("fails the orchestrator when the last attempt has failed", async () => {
    const status = await app.run("retrying", { key: "fails", failTimes: 9 });
    expect(status.runtimeStatus).toBe("Failed");
    expect(status.output).toMatch(
      /^Orchestrator function 'retrying' failed: Activity function 'flaky' failed: flaky 3 \n Error: flaky 3/,
    );
  });

  it("keeps external events that come before anyone waits for them, in order", async () => {
    const id = await app.client.startNew("events", { input: null });
    await app.client.raiseEvent(id, "go", { n: 1 });
    await app.client.raiseEvent(id, "go", { n: 2 });
    expect((await waitForEnd(app.client, id)).output).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("runs sub-orchestrations in parallel", async () => {
    expect((await app.run("parent")).output).toEqual([10, 20, 30]);
  });

  it("continues as new with a new input and keeps the custom status", async () => {
    const status = await app.run("counting", 1);
    expect(status).toMatchObject({ output: 5, input: 5, customStatus: "count 5" });
  });

  it("tells why an orchestrator failed", async () => {
    const { output } = await app.run("failing");
    expect(output).toBe("Orchestrator function 'failing' failed: on purpose");
  });

  it("suspends, keeps what arrives meanwhile, and resumes", async () => {
    const id = await app.client.startNew("events", { input: null });
    await app.client.suspend(id, "wait");
    await waitForStatus(app.client, id, (status) => status.runtimeStatus === "Suspended");
    await app.client.raiseEvent(id, "go", 1);
    await app.client.raiseEvent(id, "go", 2);
    await app.client.resume(id, "go on");
    expect((await waitForEnd(app.client, id)).output).toEqual([1, 2]);
  });

  it("terminates with the reason as output, and takes nothing more", async () => {
    const id = await app.client.startNew("events", { input: null });
    await app.client.terminate(id, "enough");
    const status = await waitForEnd(app.client, id);
    expect(status).toMatchObject({ runtimeStatus: "Terminated", output: "enough" });
    await expect(app.client.raiseEvent(id, "go", 1)).resolves.toBeUndefined();
  });
});
