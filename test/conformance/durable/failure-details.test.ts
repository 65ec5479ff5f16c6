import * as df from "durable-functions";
import { describe, expect, it } from "vitest";
import { sharedDurableApp } from "../../support/shared-durable-app.ts";

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

const app = sharedDurableApp();

async function output(name: string): Promise<unknown> {
  return (await app.run(name)).output;
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
