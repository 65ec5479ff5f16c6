import { describe, expect, it } from "vitest";
import { type SpanOptions, toReadableSpan } from "../../../shared/exporters/readable-span.ts";
import type { TelemetryEvent } from "../../../shared/telemetry/index.ts";

const PLACE = { traceId: "a".repeat(32), spanId: "b".repeat(16), isSampled: true, startedAt: 1000 };
const CALL = {
  ...{
    event: "attempt.ended",
    level: "info",
    requestId: "r",
    ...PLACE,
    attempt: 1,
    backend: "Host1",
  },
  ...{
    tier: 1,
    priority: 2,
    atMs: 5,
    tookMs: 200,
    totalMs: 2000,
    status: 200,
    outcome: "answered",
  },
  ...{ method: "POST", origin: "https://models.example", path: "/v1/chat/completions" },
  ...{ operation: "chat", provider: "azure.ai.openai", requestModel: "gpt-4o", isSpilled: false },
  ...{ isWhole: true, model: "gpt-4o-2024", responseId: "c1", finishReasons: ["stop", "length"] },
  ...{ firstChunkMs: 400, usage: "reported", serviceTier: "priority" },
  tokens: { inputTokens: 9, outputTokens: 5, totalTokens: 14, audioInputTokens: 4 },
};

function spanOf(change: object = {}, usesLatestNames = true) {
  const event = { ...CALL, ...change } as unknown as TelemetryEvent;
  const span = toReadableSpan(event, { resource: {} as SpanOptions["resource"], usesLatestNames });
  if (!span) throw new Error("It stands for no span.");
  return span;
}

describe("the span of a call to a model", () => {
  it("says what the conventions want of it, in both generations", () => {
    const told = {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.request.stream": true,
      "gen_ai.response.model": "gpt-4o-2024",
      "gen_ai.response.id": "c1",
      "gen_ai.response.finish_reasons": ["stop", "length"],
      "gen_ai.response.time_to_first_chunk": 0.4,
      "gen_ai.usage.input_tokens": 9,
      "gen_ai.usage.output_tokens": 5,
      "gen_ai.usage.audio.input_tokens": 4,
      "server.address": "models.example",
      "server.port": 443,
    };
    const latest = spanOf();
    expect(latest).toMatchObject({ name: "chat gpt-4o", kind: 2, status: { code: 0 } });
    expect(latest.attributes).toMatchObject({
      ...told,
      "gen_ai.provider.name": "azure.ai.openai",
      "openai.response.service_tier": "priority",
    });
    expect(spanOf({}, false).attributes).toMatchObject({
      ...told,
      "gen_ai.system": "az.ai.openai",
      "gen_ai.openai.response.service_tier": "priority",
    });
    expect(latest.attributes).not.toHaveProperty("gen_ai.output.type");
    const { attributes } = spanOf({ provider: "anthropic", outputType: "image" });
    expect(attributes).not.toHaveProperty("openai.response.service_tier");
    expect(attributes).toMatchObject({ "gen_ai.output.type": "image" });
    expect(latest.attributes).not.toHaveProperty("error.type");
  });

  it("lasts to the end of its answer, whose use it tells", () => {
    const { startTime, endTime, duration } = spanOf();
    expect([startTime, endTime, duration]).toEqual([
      [1, 0],
      [3, 0],
      [2, 0],
    ]);
  });

  it("names the port that was called, given or not", () => {
    const port = (origin: string) => spanOf({ origin }).attributes["server.port"];
    expect(["http://a", "https://a", "http://a:8080", "https://[::1]:8443"].map(port)).toEqual([
      80, 443, 8080, 8443,
    ]);
  });

  it("says nothing of a stream where there was none, and what went wrong where it did", () => {
    const { attributes, status } = spanOf({ firstChunkMs: undefined, outcome: "broken" });
    expect(attributes).not.toHaveProperty("gen_ai.request.stream");
    expect(attributes).not.toHaveProperty("gen_ai.response.time_to_first_chunk");
    expect([attributes["error.type"], status.code]).toEqual(["broken", 2]);
    expect(spanOf({ status: 429, outcome: "throttled" }).attributes["error.type"]).toBe("429");
  });
});

describe("the span of a request to a model", () => {
  it("says why its answer ended, and which one it was", () => {
    const { attributes, kind } = spanOf({
      event: "request.ended",
      kind: "request",
      firstByteMs: 600,
    });
    expect(kind).toBe(1);
    expect(attributes).toMatchObject({
      "gen_ai.response.id": "c1",
      "gen_ai.response.finish_reasons": ["stop", "length"],
      "gen_ai.response.time_to_first_chunk": 0.6,
      "gen_ai.request.stream": true,
    });
  });
});
