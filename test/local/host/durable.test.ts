import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type FixtureHost, startFixture } from "./start-fixture.ts";

interface InstanceStatus {
  runtimeStatus: string;
  output: unknown;
}

describe("durable functions in the host", () => {
  let host: FixtureHost;

  beforeAll(async () => {
    host = await startFixture("durable");
  });
  afterAll(() => host.stop());

  const run = async (input: unknown, name = "greet") => {
    const started = await fetch(`${host.url}/api/start?name=${name}`, {
      method: "POST",
      body: JSON.stringify(input),
    });
    expect(started.status).toBe(202);
    const { statusQueryGetUri } = (await started.json()) as { statusQueryGetUri: string };
    expect(
      statusQueryGetUri.startsWith(`${host.url}/runtime/webhooks/durabletask/instances/`),
    ).toBe(true);
    return eventually(async () => {
      const status = (await (await fetch(statusQueryGetUri)).json()) as InstanceStatus;
      return ["Completed", "Failed"].includes(status.runtimeStatus) ? status : undefined;
    });
  };

  it("run through the client binding, the engine and back into the app", async () => {
    expect(await run(["ann", "bob"])).toMatchObject({
      runtimeStatus: "Completed",
      output: { shouted: ["ANN!", "BOB!"], count: 2 },
    });
  });

  it("give activities their input as it was, with the instance's id", async () => {
    await run(["5", 5, true, null]);
    const inputs = (await (await fetch(`${host.url}/api/inputs`)).json()) as {
      input: unknown;
      metadata: Record<string, unknown>;
    }[];
    expect(inputs.slice(-4).map(({ input }) => input)).toEqual(["5", 5, true, null]);
    expect(inputs.at(-1)?.metadata).toMatchObject({ instanceId: expect.any(String) });
  });

  it("may use the durable client in activities, with the task hub that host.json names", async () => {
    expect(await run(null, "askHub")).toMatchObject({ output: "FixtureHub" });
  });

  it("report a failed activity to the orchestrator, and in the log", async () => {
    const status = await run(["fail"]);
    expect(status.runtimeStatus).toBe("Failed");
    expect(status.output).toContain("the activity failed");
    expect(
      host.lines.some(
        (line) => line.startsWith("[shout] failed") && line.includes("the activity failed"),
      ),
    ).toBe(true);
  });

  it("refuse an orchestrator that uses one task in two places", async () => {
    const status = await run(null, "reuseTask");
    expect(status.runtimeStatus).toBe("Failed");
    expect(status.output).toContain("used in two places");
  });
});
