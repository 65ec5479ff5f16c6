import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { StartError } from "../../../local/service.ts";
import {
  FIXED_CAPACITY,
  modelsFor,
  PAID_BY_USE,
  parseBackends,
} from "../../../local/simulate/backend-model.ts";
import { parseClassShares } from "../../../local/simulate/class-shares.ts";
import { readOptions } from "../../../local/simulate/options.ts";
import { planArrivals } from "../../../local/simulate/plan-arrivals.ts";
import { readJson } from "../../../local/simulate/read-json.ts";
import { parseSettings } from "../../../local/simulate/read-settings.ts";
import { collect } from "../replay/collect.ts";
import { every, planOf, rowsAt } from "./plan.ts";

const failureOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof StartError) return error.message;
  }
  return "no StartError";
};

describe("the settings of a simulation", () => {
  const HOST = { Host1: "https://one.test" };

  it.each([
    ["local.settings.json", { IsEncrypted: false, Values: { ...HOST, Workers: "7" } }],
    ["a document with hot settings", { ...HOST, Workers: 7, "Warm:Request:DefaultTTLSecs": 60 }],
  ])("may come as %s", (_, document) => {
    const { settings } = parseSettings(document, "a.json");
    expect(settings).toMatchObject({ workers: 7, role: "stream", syncMode: "direct" });
  });

  it("name every problem at once", () => {
    const failure = failureOf(() =>
      parseSettings({ ...HOST, Workers: "0", Timeout: "x" }, "a.json"),
    );
    expect(failure).toContain("a.json");
    expect(failure).toMatch(/Workers.*\n.*Timeout|Timeout.*\n.*Workers/);
    expect(failureOf(() => parseSettings(null, "a.json"))).toContain("no backend");
  });

  it("tell what plays no part, and pass over what the platform reads", () => {
    const { warnings } = parseSettings(
      { ...HOST, Wrokers: "7", AzureWebJobsStorage: "x", RequiredHeaders: "A" },
      "a.json",
    );
    expect(warnings).toEqual([
      expect.stringContaining('"Wrokers" is not a setting'),
      "a.json: the simulation leaves out RequiredHeaders",
    ]);
  });

  it("name a file that cannot be read, or is no JSON", async () => {
    const folder = await mkdtemp(join(tmpdir(), "simulate-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "a.json");
    await expect(readJson(file, "settings file")).rejects.toThrow("(ENOENT)");
    await writeFile(file, "{");
    await expect(readJson(file, "settings file")).rejects.toThrow(/settings file .* is no JSON/);
  });
});

describe("the models of a simulation", () => {
  const hostsOf = (settings: Record<string, string>) =>
    parseSettings(settings, "a.json").settings.hosts;

  it("are by default fixed capacity before what is paid by use, where there are two tiers", () => {
    const two = hostsOf({ Host1: "host=https://a.test;tier=2", Host2: "host=https://b.test" });
    expect(modelsFor(two, {})).toEqual(
      new Map([
        ["Host1", PAID_BY_USE],
        ["Host2", FIXED_CAPACITY],
      ]),
    );
    const one = hostsOf({ Host1: "https://a.test" });
    expect(modelsFor(one, { Host1: { failureRate: 0.5 } }).get("Host1")).toEqual({
      ...PAID_BY_USE,
      failureRate: 0.5,
    });
  });

  it.each([
    ["an unknown field", { Host1: { speed: 1 } }, "speed"],
    ["a value out of range", { Host1: { failureRate: 2 } }, "Host1.failureRate"],
    [
      "an outage that ends before it begins",
      { Host1: { outages: [{ fromSeconds: 2, toSeconds: 1 }] } },
      "must end after",
    ],
    ["what is no object", [], "describes no backends"],
  ])("name %s", (_, document, problem) => {
    expect(failureOf(() => parseBackends(document, "b.json"))).toContain(problem);
  });
});

describe("the arrivals of a simulation", () => {
  it("are of the classes and users of their parts, the k-th user with a k-th of the first's", async () => {
    const plan = planOf({
      classes: parseClassShares("1:10,2:60,3:30"),
      users: 3,
      streamShare: 0.25,
    });
    const arrivals = await collect(planArrivals(rowsAt(every(1, 20_000)), plan));
    const share = (of: (arrival: (typeof arrivals)[number]) => boolean) =>
      arrivals.filter(of).length / arrivals.length;
    expect(share(({ priorityClass }) => priorityClass === 2)).toBeCloseTo(0.6, 1);
    expect(share(({ userId }) => userId === "user-1")).toBeCloseTo(6 / 11, 1);
    expect(share(({ userId }) => userId === "user-3")).toBeCloseTo(2 / 11, 1);
    expect(share(({ isStream }) => isStream)).toBeCloseTo(0.25, 1);
  });

  it("keep what the trace says, and are the same whatever part of it is taken", async () => {
    const rows = rowsAt(every(1000, 10), { userId: "ann" });
    const plan = planOf({ classes: parseClassShares("1:1,2:1") });
    const all = await collect(planArrivals(rows, plan));
    const part = await collect(planArrivals(rows, { ...plan, fromMs: 3000, toMs: 6000 }));
    expect(all.every(({ userId }) => userId === "ann")).toBe(true);
    expect(part.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(part.map(({ arrivesAt, priorityClass }) => [arrivesAt, priorityClass])).toEqual(
      all.slice(3, 6).map(({ arrivesAt, priorityClass }) => [arrivesAt, priorityClass]),
    );
    expect(await collect(planArrivals(rows, { ...plan, limit: 4 }))).toHaveLength(4);
  });

  it.each(["", "1", "0:1", "1:0", "1:1,1:2", "1:-2", "a:1"])("refuse the parts %j", (text) => {
    expect(failureOf(() => parseClassShares(text))).toContain("--classes");
  });
});

describe("the command line of a simulation", () => {
  it("has a default for everything but the settings", () => {
    const { classes, ...options } = readOptions(["--settings", "a.json"]);
    expect(classes.classes).toEqual([1, 2, 3]);
    expect(options).toEqual({
      trace: undefined,
      settings: ["a.json"],
      backends: undefined,
      json: undefined,
      users: 20,
      streamShare: 1,
      instances: 1,
      path: "/v1/chat/completions",
      limit: 10_000_000,
      fromMs: 0,
      toMs: 3_600_000,
      seed: 1,
      wantsHelp: false,
    });
  });

  it("reads times with their units", () => {
    const timesOf = (text: string) => {
      const { fromMs, toMs } = readOptions(`--settings a --trace t ${text}`.split(" "));
      return [fromMs, toMs];
    };
    expect(timesOf("--from 90 --to 15m")).toEqual([90_000, 900_000]);
    expect(timesOf("--from 1.5s --to 2h")).toEqual([1500, 7_200_000]);
    expect(timesOf("--from 0")).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it.each([
    ["", "--settings must be given"],
    ["--settings a --settings b --settings c", "--settings must be given"],
    ["--settings a --from 2m --to 1m", "--to must be later"],
    ["--settings a --from soon", "--from must be a time"],
    ["--settings a --stream 2", "--stream must be"],
    ["--settings a --instances 0", "--instances must be"],
    ["--settings a --path v1", "--path must be"],
    ["--settings a --fast", "--fast"],
  ])("refuses %j", (text, problem) => {
    const words = text.split(" ").filter((word) => word !== "");
    expect(failureOf(() => readOptions(words))).toContain(problem);
  });
});
