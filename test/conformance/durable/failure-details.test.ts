import * as df from "durable-functions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DurableApp, startDurableApp } from "../../support/durable-app.ts";
import { durableDir } from "../../support/durable-dir.ts";
import { waitForEnd } from "../../support/wait-for-status.ts";

class QuotaError extends Error {
  override readonly name = "QuotaError";
  readonly limit = 7;
}

df.app.setExceptionPropertiesProvider({
  getExceptionProperties: (error) =>
    error instanceof QuotaError ? { limit: error.limit } : undefined,
});
df.app.activity("overQuota", {
  handler: () => {
    throw new QuotaError("no more");
  },
});
df.app.orchestration("seeing", function* (context) {
  try {
    yield context.df.callActivity("overQuota");
  } catch (error) {
    if (error instanceof df.TaskFailedError) return error.failureDetails;
  }
  return "nothing";
});
df.app.orchestration("passingOn", function* (context) {
  yield context.df.callActivity("overQuota");
});
df.app.orchestration("seeingChild", function* (context) {
  try {
    yield context.df.callSubOrchestrator("passingOn");
  } catch (error) {
    if (error instanceof df.TaskFailedError) return error.failureDetails;
  }
  return "nothing";
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

async function output(name: string): Promise<unknown> {
  const status = await waitForEnd(app.client, await app.client.startNew(name, { input: null }));
  return status.output;
}

describe("the properties of an activity's error", () => {
  const details = { errorType: "QuotaError", errorMessage: "no more", properties: { limit: 7 } };

  it("reach the orchestrator that called it", async () => {
    expect(await output("seeing")).toMatchObject(details);
  });

  it("reach the parent of an orchestrator that let them pass", async () => {
    expect(await output("seeingChild")).toMatchObject(details);
  });
});
