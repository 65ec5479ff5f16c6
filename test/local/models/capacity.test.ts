import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../../../local/models/api-error.ts";
import { Capacity } from "../../../local/models/capacity.ts";
import { type RunningModels, startModels } from "../../../local/models/index.ts";
import { DEFAULT_SETTINGS, type ModelSettingsPatch } from "../../../local/models/settings.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { chat } from "./chat-client.ts";

describe("an endpoint's capacity", () => {
  let clock: FakeClock;
  let capacity: Capacity;

  beforeEach(() => {
    clock = new FakeClock();
    capacity = new Capacity(clock);
  });

  const admit = (patch: ModelSettingsPatch, tokens = 1): (() => void) =>
    capacity.admit({ ...DEFAULT_SETTINGS, ...patch }, tokens);
  const refusal = (patch: ModelSettingsPatch, tokens = 1): ApiError => {
    try {
      admit(patch, tokens);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
    throw new Error("It was admitted.");
  };

  it("serves so many at once, and the next when one is done", () => {
    const release = admit({ maxInFlight: 1 });
    expect(refusal({ maxInFlight: 1 })).toMatchObject({
      status: 429,
      headers: { "retry-after": "1", "retry-after-ms": "1000" },
    });
    release();
    release();
    expect(capacity.inFlight).toBe(0);
    admit({ maxInFlight: 1 });
  });

  it("refills requests evenly over the minute, and says when the next one fits", async () => {
    const limits = { requestsPerMinute: 60 };
    for (let index = 0; index < 60; index++) admit(limits)();
    expect(refusal(limits).headers).toMatchObject({
      "retry-after-ms": "1000",
      "x-ratelimit-limit-requests": "60",
      "x-ratelimit-remaining-requests": "0",
    });
    await clock.advance(999);
    expect(refusal(limits).headers).toMatchObject({ "retry-after-ms": "1", "retry-after": "1" });
    await clock.advance(1);
    admit(limits);
  });

  it("counts tokens, and lets one call above the whole limit pass when it is full", async () => {
    const limits = { tokensPerMinute: 600 };
    admit(limits, 1_000)();
    expect(refusal(limits, 1).headers["retry-after-ms"]).toBe("40100");
    await clock.advance(40_100);
    admit(limits, 1);
    expect(refusal(limits, 300).message).toContain("600 tokens per minute");
  });

  it("starts a limit that is set later with a full quota", () => {
    for (let index = 0; index < 100; index++) admit({})();
    admit({ maxInFlight: 0, requestsPerMinute: 1 });
    expect(refusal({ maxInFlight: 0, requestsPerMinute: 1 }).status).toBe(429);
  });
});

describe("a simulated endpoint at its limit", () => {
  let models: RunningModels;

  beforeEach(async () => {
    const settings = { ttftMs: 0, tokensPerSecond: 0 };
    models = await startModels({ port: 0, endpoints: 2, settings });
  });

  afterEach(() => models.close());

  const change = (settings: object): Promise<Response> =>
    fetch(`${models.url}/sim/settings`, { method: "POST", body: JSON.stringify(settings) });

  it("answers 429 with guidance, while the other endpoint still serves", async () => {
    const [first = "", second = ""] = models.urls;
    await change({ requestsPerMinute: 1 });
    const served = await chat(first);
    expect(served.headers["x-ratelimit-remaining-requests"]).toBe("0");
    const refused = await chat(first);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after-ms"])).toBeGreaterThan(0);
    expect(JSON.parse(refused.text).error.code).toBe("rate_limit_exceeded");
    expect((await chat(second)).status).toBe(200);
  });

  it("names a setting that it does not know, or that is out of range", async () => {
    const unknown = await change({ speed: 1 });
    expect(unknown.status).toBe(400);
    expect(await unknown.text()).toContain("speed");
    expect((await change({ maxInFlight: -1 })).status).toBe(400);
    expect((await change({ ttftMs: "fast" })).status).toBe(400);
    expect((await change([])).status).toBe(400);
    const settings = await (await fetch(`${models.url}/sim/settings`)).json();
    expect(settings).toMatchObject({ maxInFlight: DEFAULT_SETTINGS.maxInFlight });
  });
});
