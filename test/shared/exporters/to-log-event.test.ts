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
