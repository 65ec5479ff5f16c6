import * as df from "durable-functions";
import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { sharedDurableApp } from "../../support/shared-durable-app.ts";
import { waitForEnd } from "../../support/wait-for-status.ts";

df.app.activity("quick", { handler: () => "quick" });
df.app.orchestration("reuseActivity", function* (context) {
  const shared = context.df.callActivity("quick");
  yield context.df.Task.any([shared, context.df.waitForExternalEvent("never")]);
  yield context.df.Task.any([shared, context.df.callActivity("quick")]);
});
df.app.orchestration("reuseTimer", function* (context) {
  const inAnHour = new Date(context.df.currentUtcDateTime.getTime() + 3_600_000);
  const deadline = context.df.createTimer(inAnHour);
  yield context.df.Task.any([deadline, context.df.callActivity("quick")]);
  yield context.df.Task.any([deadline, context.df.callActivity("quick")]);
});
df.app.orchestration("reuseEvent", function* (context) {
  const cancelled = context.df.waitForExternalEvent("cancelled");
  for (let round = 0; round < 3; round++) {
    const winner = yield context.df.Task.any([cancelled, context.df.callActivity("quick")]);
    if (winner === cancelled) return "cancelled";
  }
  const last = yield context.df.Task.any([
    cancelled,
    context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 3_600_000)),
  ]);
  return last === cancelled ? "cancelled" : "time is up";
});

const app = sharedDurableApp();

async function output(name: string): Promise<unknown> {
  return (await app.run(name)).output;
}

describe("one task used in two places", () => {
  it("fails the orchestrator and names the activity", async () => {
    expect(await output("reuseActivity")).toMatch(/The task "quick" was used in two places/);
  });

  it("fails the orchestrator when it is a timer", async () => {
    expect(await output("reuseTimer")).toMatch(/A timer was used in two places/);
  });

  it("is fine when it waits for an external event, which takes no id", async () => {
    const id = await app.client.startNew("reuseEvent", { input: null });
    await eventually(async () => {
      const { body } = await fetch(
        `${app.origin}/runtime/webhooks/durabletask/instances/${id}?showHistory=true`,
      );
      return new Response(body).text();
    }).toContain("TimerCreated");
    await app.client.raiseEvent(id, "cancelled", true);
    expect((await waitForEnd(app.client, id)).output).toBe("cancelled");
  });
});
