import { describe, expect, it } from "vitest";
import { categoryOf, toLogEvent } from "../../../shared/exporters/to-log-event.ts";
import {
  backendBreakerChanged,
  backendHealthChanged,
  type TelemetryEvent,
} from "../../../shared/telemetry/index.ts";

const COMMON = { Ver: "1", Replica: "r", ContainerApp: "a" };

describe("the event log's words", () => {
  it("tell of backends that are taken out of use, as of the poller", () => {
    const event = backendHealthChanged("Host1", false);
    expect(categoryOf(event)).toBe("poller");
    expect(toLogEvent(event, COMMON)).toEqual({
      ...COMMON,
      Type: "S7P-Poller",
      "Backend-Host": "Host1",
      Success: "false",
      Message: "unhealthy",
    });
  });

  it("tell of breakers whose state has changed, as of the circuit breaker", () => {
    const counts = { failures: 5, calls: 6, failedTrials: 0, openForMs: 0 };
    const facts = {
      state: "open",
      reason: "failures",
      lastFailure: "timed-out",
      ...counts,
    } as const;
    const event = backendBreakerChanged("Host1", facts);
    expect(categoryOf(event)).toBe("circuitbreaker");
    expect(toLogEvent(event, COMMON)).toEqual({
      ...COMMON,
      Type: "S7P-CircuitBreakerError",
      "Backend-Host": "Host1",
      Code: "open",
      Success: "false",
      Count: "5",
      Error: "timed-out",
      Message: "failures",
    });
  });

  it("tell every count of tokens by the original's path, and none that nobody told", () => {
    const tokens = {
      ...{ inputTokens: 20, outputTokens: 9, totalTokens: 29, cacheReadInputTokens: 8 },
      ...{ cacheCreationInputTokens: 4, reasoningOutputTokens: 3, audioInputTokens: 2 },
    };
    const times = { waitMs: 1, processMs: 2, totalMs: 3, attempts: 1, isWhole: true };
    const event = { event: "request.ended", level: "info", ...times, tokens } as TelemetryEvent;
    const told = Object.entries(toLogEvent(event, COMMON)).filter(([name]) =>
      /^Usage\./.test(name),
    );
    expect(Object.fromEntries(told)).toEqual({
      "Usage.Prompt_Tokens": "20",
      "Usage.Completion_Tokens": "9",
      "Usage.Total_Tokens": "29",
      "Usage.Prompt_Tokens_Details.Cached_Tokens": "8",
      "Usage.Prompt_Tokens_Details.Audio_Tokens": "2",
      "Usage.Cache_Creation_Input_Tokens": "4",
      "Usage.Completion_Tokens_Details.Reasoning_Tokens": "3",
    });
  });

  it.each([
    [{ isWhole: true }, "Completed"],
    [{ isWhole: false }, "Broken"],
    [{ isWhole: true, code: "queue-full" }, "Refused"],
    [{ isWhole: true, code: "ttl-expired" }, "Expired"],
  ])("tell how a request ended for its caller: %j", (how, disposition) => {
    const times = { waitMs: 1, processMs: 2, totalMs: 3, attempts: 0 };
    const event = { event: "request.ended", level: "info", ...times, ...how } as TelemetryEvent;
    expect(toLogEvent(event, COMMON)["Disposition"]).toBe(disposition);
  });
});
