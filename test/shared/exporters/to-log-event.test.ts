import { describe, expect, it } from "vitest";
import { categoryOf, toLogEvent } from "../../../shared/exporters/to-log-event.ts";
import { backendHealthChanged, type TelemetryEvent } from "../../../shared/telemetry/index.ts";

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
