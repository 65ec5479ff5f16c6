import { describe, expect, it } from "vitest";
import {
  emitTo,
  MetricBook,
  measureRecords,
  type TelemetryEvent,
} from "../../../shared/telemetry/index.ts";

const LIMITS = { maxModels: 2, maxUsers: 2 };
const ANSWERED = {
  event: "request.ended",
  level: "info",
  kind: "request",
  requestId: "r",
  method: "POST",
  operation: "chat",
  provider: "openai",
  requestModel: "gpt-4o",
  model: "gpt-4o-2024",
  user: "ann",
  priority: 1,
  status: 200,
  attempts: 1,
  backend: "Host1",
  waitMs: 500,
  processMs: 1000,
  totalMs: 2000,
  firstByteMs: 1000,
  isWhole: true,
  tokens: { inputTokens: 3, outputTokens: 11, totalTokens: 14 },
  usage: "reported",
} as const;

function measured(...events: readonly object[]) {
  const book = new MetricBook({ usesLatestNames: false });
  const emit = emitTo([measureRecords(book, LIMITS)]);
  for (const event of events) emit({ ...ANSWERED, ...event } as TelemetryEvent);
  const figures = new Map(book.read().map(({ definition, points }) => [definition.name, points]));
  const of = (name: string) => figures.get(name) ?? [];
  return {
    of,
    values: (name: string) => of(name).map(({ value }) => value),
    told: (name: string, attribute: string) => of(name).map((point) => point.attributes[attribute]),
  };
}

describe("the figures of tokens in the latest names", () => {
  const latest = (...events: readonly object[]) => {
    const book = new MetricBook({ usesLatestNames: true });
    const emit = emitTo([measureRecords(book, LIMITS)]);
    for (const event of events) emit({ ...ANSWERED, ...event } as TelemetryEvent);
    const points = new Map(book.read().map((metric) => [metric.definition.name, metric.points]));
    return (name: string) =>
      points
        .get(name)
        ?.map(({ attributes, value }) => [attributes["gen_ai.token.modality"], value]);
  };

  it("tell sounds apart from what nobody tells apart, and both together are all", () => {
    const sounds = { audioInputTokens: 2, audioOutputTokens: 11 };
    const of = latest({ tokens: { ...ANSWERED.tokens, ...sounds } });
    expect(of("gen_ai.client.inference.usage.input_tokens")).toEqual([
      ["audio", 2],
      ["unknown", 1],
    ]);
    expect(of("gen_ai.client.inference.usage.output_tokens")).toEqual([
      ["audio", 11],
      ["unknown", 0],
    ]);
  });

  it("tell by a zero that nothing was told, and nothing of what is no request to a model", () => {
    const none = { tokens: undefined, usage: "unknown", status: 500 };
    const of = latest(none, { ...none, operation: undefined });
    for (const name of ["input_tokens", "output_tokens"]) {
      expect(of(`gen_ai.client.inference.usage.${name}`)).toEqual([["unknown", 0]]);
      expect(of(`gen_ai.client.inference.operation.${name}`)).toBeUndefined();
    }
  });

  it("tell apart what came from a cache, went into one, and was reasoning", () => {
    const book = new MetricBook({ usesLatestNames: true });
    const parts = {
      cacheReadInputTokens: 2,
      cacheCreationInputTokens: 0,
      reasoningOutputTokens: 5,
    };
    const tokens = { ...ANSWERED.tokens, ...parts };
    emitTo([measureRecords(book, LIMITS)])({ ...ANSWERED, tokens } as TelemetryEvent);
    const used = book
      .read()
      .map(({ definition, points }) => [definition.name, points[0]?.value] as const)
      .filter(([name]) => name.startsWith("gen_ai.client.inference.usage."));
    expect(Object.fromEntries(used)).toEqual({
      "gen_ai.client.inference.usage.input_tokens": 3,
      "gen_ai.client.inference.usage.output_tokens": 11,
      "gen_ai.client.inference.usage.cache_read.input_tokens": 2,
      "gen_ai.client.inference.usage.cache_write.input_tokens": 0,
      "gen_ai.client.inference.usage.reasoning.output_tokens": 5,
    });
  });
});

describe("the figures of backends", () => {
  it("count each change of a breaker, and of what probes say", () => {
    const { of } = measured(
      { event: "backend.breaker.changed", state: "open", reason: "failures" },
      { event: "backend.breaker.changed", state: "open", reason: "failures" },
      { event: "backend.health.changed", isHealthy: false },
      { event: "backend.health.changed", isHealthy: true },
    );
    const points = of("simplel7proxy.backend.changes").map(({ attributes, value }) => [
      ...Object.values(attributes),
      value,
    ]);
    expect(points).toEqual([
      ["Host1", "open", "failures", 2],
      ["Host1", "unhealthy", "probes", 1],
      ["Host1", "healthy", "probes", 1],
    ]);
  });
});

describe("a request that went out once more", () => {
  it("is told by backend and reason, and is no retry", () => {
    const { of, values } = measured(
      { event: "attempt.resent", reason: "closed" },
      { event: "attempt.resent", reason: "refused" },
      { event: "attempt.resent", reason: "closed" },
    );
    const points = of("simplel7proxy.resends");
    expect(points.map(({ attributes }) => Object.values(attributes))).toEqual([
      ["Host1", "closed"],
      ["Host1", "refused"],
    ]);
    expect(values("simplel7proxy.resends")).toEqual([2, 1]);
    expect(values("simplel7proxy.retries")).toEqual([]);
  });
});

describe("the figures of requests", () => {
  it("are times in seconds, by model and backend", () => {
    const { of } = measured({});
    const attributes = { "gen_ai.response.model": "gpt-4o-2024", "simplel7proxy.backend": "Host1" };
    expect(of("simplel7proxy.queue.wait")[0]).toMatchObject({ attributes, value: { sum: 0.5 } });
    expect(of("gen_ai.server.request.duration")[0]).toMatchObject({
      attributes,
      value: { sum: 2 },
    });
    expect(of("gen_ai.server.time_to_first_token")[0]).toMatchObject({ value: { sum: 1 } });
    // Ten further tokens in one second.
    expect(of("gen_ai.server.time_per_output_token")[0]).toMatchObject({ value: { sum: 0.1 } });
    expect(of("simplel7proxy.output.speed")[0]).toMatchObject({ attributes, value: { sum: 10 } });
  });

  it("count tokens by their kind, their provenance and their user", () => {
    const { of, values, told } = measured({});
    expect(told("simplel7proxy.tokens", "gen_ai.token.type")).toEqual(["input", "output"]);
    expect(values("simplel7proxy.tokens")).toEqual([3, 11]);
    expect(told("simplel7proxy.tokens", "simplel7proxy.usage.provenance")).toEqual([
      "reported",
      "reported",
    ]);
    expect(of("simplel7proxy.user.tokens")).toEqual([
      { attributes: { "enduser.id": "ann" }, value: 14 },
    ]);
  });

  it("say of a stream that was cut when it began, and not how fast it was", () => {
    const { of } = measured({ isWhole: false });
    expect(of("gen_ai.server.time_to_first_token")).toHaveLength(1);
    expect(of("simplel7proxy.output.speed")).toEqual([]);
  });

  it("count refusals by their code, and no model's time for what asks no model", () => {
    const refused = { operation: undefined, status: 429, code: "queue-full", tokens: undefined };
    const { of } = measured(refused);
    expect(of("simplel7proxy.refusals")).toEqual([
      {
        attributes: { "simplel7proxy.code": "queue-full", "simplel7proxy.priority": 1 },
        value: 1,
      },
    ]);
    expect(of("gen_ai.server.request.duration")).toEqual([]);
  });

  it("count a job when it has ended, and not when it was accepted", () => {
    const { of } = measured({ kind: "accepted", status: 202 }, { kind: "job" });
    expect(of("simplel7proxy.requests")).toHaveLength(2);
    expect(of("simplel7proxy.request.duration")).toMatchObject([{ value: { count: 1 } }]);
  });

  it("fold names beyond the limit, and those that nobody ever answered to", () => {
    const failed = { status: 404, model: undefined, requestModel: "made-up", user: "mallory" };
    const named = (name: string) => ({ model: name, requestModel: name, user: name });
    const events = [failed, ...["a", "b", "c", "a"].map(named)];
    const { told, of } = measured(...events);
    expect(told("simplel7proxy.request.duration", "gen_ai.response.model")).toEqual([
      "other",
      "a",
      "b",
    ]);
    expect(of("simplel7proxy.user.requests")).toEqual([
      { attributes: { "enduser.id": "other" }, value: 2 },
      { attributes: { "enduser.id": "a" }, value: 2 },
      { attributes: { "enduser.id": "b" }, value: 1 },
    ]);
  });
});

describe("the figures of calls to backends", () => {
  const attempt = {
    event: "attempt.ended",
    attempt: 2,
    backend: "Host2",
    tier: 2,
    priority: 3,
    atMs: 5500,
    tookMs: 250,
    totalMs: 250,
    status: 429,
    outcome: "throttled",
    isSpilled: true,
  };

  it("count calls, retries and spills", () => {
    const { of, values } = measured(attempt, { ...attempt, attempt: 1, isSpilled: false });
    expect(of("simplel7proxy.attempts")).toEqual([
      {
        attributes: {
          "simplel7proxy.backend": "Host2",
          "http.response.status_code": 429,
          "simplel7proxy.outcome": "throttled",
        },
        value: 2,
      },
    ]);
    expect(values("simplel7proxy.retries")).toEqual([1]);
    const spilled = {
      "simplel7proxy.priority": 3,
      "simplel7proxy.backend": "Host2",
      "simplel7proxy.backend.tier": 2,
    };
    expect(of("simplel7proxy.spills")).toEqual([{ attributes: spilled, value: 1 }]);
    expect(of("simplel7proxy.spill.wait")).toMatchObject([
      { attributes: spilled, value: { count: 1, sum: 5.5 } },
    ]);
  });
});

describe("the time of calls to models", () => {
  const call = {
    event: "attempt.ended",
    attempt: 1,
    tookMs: 250,
    totalMs: 4000,
    outcome: "answered",
    isWhole: true,
  };

  it.each([
    [{ status: 200 }, undefined],
    [{ status: 429, outcome: "throttled" }, "429"],
    [{ status: 200, outcome: "broken", isWhole: false }, "broken"],
  ])("is that of the whole answer, and says how it failed: %j", (how, error) => {
    const { of, values, told } = measured({ ...call, ...how });
    const name = "gen_ai.client.operation.duration";
    expect(of(name)).toMatchObject([{ attributes: { "gen_ai.operation.name": "chat" } }]);
    expect(values(name)).toMatchObject([{ sum: 4 }]);
    expect(told(name, "error.type")).toEqual([error]);
    expect(values("simplel7proxy.attempt.duration")).toMatchObject([{ sum: 0.25 }]);
  });

  it("is not told of what asks no model", () => {
    const { of } = measured({ ...call, status: 200, operation: undefined });
    expect(of("gen_ai.client.operation.duration")).toEqual([]);
  });
});

describe("whoever hears events", () => {
  it("is asked before facts are put together, and may fail alone", () => {
    const heard: TelemetryEvent[] = [];
    let isPutTogether = false;
    const lazily = () => {
      isPutTogether = true;
      return { a: 1 };
    };
    const event = { event: "x", level: "info", lazily } as const;
    emitTo([{ hears: () => false, take: () => {} }])(event);
    expect(isPutTogether).toBe(false);
    const broken = {
      hears: () => true,
      take: () => {
        throw new Error("no");
      },
    };
    emitTo([broken, { hears: () => true, take: (told) => void heard.push(told) }])(event);
    expect(heard).toEqual([{ event: "x", level: "info", a: 1 }]);
  });
});
