import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { StartError } from "../../../local/service.ts";
import { parseClassShares } from "../../../local/simulate/class-shares.ts";
import { simulate } from "../../../local/simulate/simulate.ts";
import { backendOf, constant, every, planOf, rowsAt } from "./plan.ts";

describe("trouble in a simulation", () => {
  it("opens the breaker of a backend that fails, and the other one serves", async () => {
    const result = await simulate(
      planOf({
        settings: {
          Host1: "host=https://one.test;mode=direct",
          Host2: "host=https://two.test;mode=direct",
          CBErrorThreshold: 5,
          CBTimeslice: 60,
          LoadBalanceMode: "roundrobin",
        },
        backends: {
          Host1: { ...constant(50), outages: [{ fromSeconds: 0, toSeconds: 30 }] },
          Host2: constant(50),
        },
        rows: rowsAt(every(500, 240)),
      }),
    );
    expect(result.all.answered).toBe(240);
    const failing = backendOf(result, "Host1");
    expect(failing.failed).toBe(5);
    expect(failing.breakerOpenings).toBe(1);
    // Half-open after a minute, it is well and takes its part again.
    expect(failing.answered).toBeGreaterThan(50);
    expect(result.retries).toBe(5);
  });

  it("leaves a silent backend after its time", async () => {
    const result = await simulate(
      planOf({
        settings: {
          Host1: "host=https://one.test;mode=direct;timeout=2000",
          Host2: "host=https://two.test;mode=direct;weight=0",
        },
        backends: {
          Host1: { ...constant(100), outages: [{ fromSeconds: 0, toSeconds: 1, as: "silence" }] },
          Host2: constant(100),
        },
        rows: rowsAt([0]),
      }),
    );
    expect(result.all).toMatchObject({ answered: 1 });
    expect(result.all.total.max).toBe(2100);
  });

  it("takes out a probed backend that is down, and ends although probes go on", async () => {
    const result = await simulate(
      planOf({
        settings: {
          Host1: "host=https://one.test",
          Host2: "host=https://two.test",
          PollInterval: 1000,
          CBErrorThreshold: 1000,
        },
        backends: {
          Host1: { ...constant(50), outages: [{ fromSeconds: 100, toSeconds: 10_000 }] },
          Host2: constant(50),
        },
        rows: rowsAt(every(1000, 300)),
      }),
    );
    expect(result.all.answered).toBe(300);
    // Far fewer than half of the 200 that came meanwhile.
    expect(backendOf(result, "Host1").failed).toBeLessThan(30);
    expect(backendOf(result, "Host1").failed).toBeGreaterThan(0);
  });

  it("tells the expired from the refused", async () => {
    const settings = { Workers: 1, DefaultTTLSecs: 1, MaxQueueLength: 3 };
    const result = await simulate(
      planOf({ settings, backends: { Host1: constant(5000) }, rows: rowsAt(every(0, 6)) }),
    );
    expect(result.all).toMatchObject({ answered: 0, expired: 4, refused: 2 });
    expect(result.unanswered).toEqual({ "ttl-expired": 4, "queue-full": 2 });
  });

  it("holds users to the limits of their profiles", async () => {
    const folder = await mkdtemp(join(tmpdir(), "simulate-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "profiles.json");
    const profile = { userId: "user-1", "limit-requests-per-minute": 4 };
    await writeFile(file, JSON.stringify([profile, { userId: "user-2" }]));
    const rows = [
      ...rowsAt(every(100, 10), { userId: "user-1" }),
      ...rowsAt(
        every(100, 10).map((at) => at + 1000),
        { userId: "user-2" },
      ),
    ];
    const result = await simulate(
      planOf({
        settings: { UseProfiles: true, UserConfigUrl: `file:${file}` },
        backends: { Host1: constant(10) },
        rows,
      }),
    );
    expect(result.unanswered).toEqual({ "limit-exceeded": 6 });
    expect(result.all.answered).toBe(14);
  });

  it("is told before it begins of reservations beyond the slots", () => {
    const settings = { Workers: 4, PriorityWorkers: "1:9" };
    expect(() => planOf({ settings })).toThrow("PriorityWorkers");
  });

  it.each([
    [
      "profiles that cannot be loaded",
      planOf({
        settings: { UseProfiles: true, UserConfigUrl: "file:/no/such/file" },
        rows: rowsAt([0]),
      }),
      "profiles: the file /no/such/file cannot be read (ENOENT)",
    ],
    [
      "a document in a table",
      planOf({
        settings: { SuspendedUserConfigUrl: "table:policies/suspended" },
        rows: rowsAt([0]),
      }),
      "tables need AzureWebJobsStorage",
    ],
    [
      "a class without a key",
      planOf({ classes: parseClassShares("7:1"), rows: rowsAt([0]) }),
      "class 7",
    ],
    [
      "a path that no host serves",
      planOf({ settings: { Host1: "host=https://a.test;path=/x" }, rows: rowsAt([0]) }),
      "--path",
    ],
    ["a window without requests", planOf({ rows: rowsAt([0]), fromMs: 1000 }), "no request"],
    [
      "a model of a host that is not there",
      planOf({ backends: { Host9: {} }, rows: rowsAt([0]) }),
      "no Host9",
    ],
  ])("names %s", async (_, plan, problem) => {
    const failure = await simulate(plan).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect(String(failure)).toContain(problem);
  });
});
