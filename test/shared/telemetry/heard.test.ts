import { describe, expect, it } from "vitest";
import { handleRequest } from "../../../shared/gateway/index.ts";
import { heard, requestRouted, type TelemetryEvent } from "../../../shared/telemetry/index.ts";
import { createGateway, requestTo } from "../../support/gateway.ts";
import { textOf } from "../../support/streams.ts";

describe("an event whose facts are dear", () => {
  it("has them for whoever hears it, in one record", () => {
    const event = heard(requestRouted(() => ({ outcome: "answered" })));
    expect(event).toEqual({ event: "request.routed", level: "info", outcome: "answered" });
  });

  it("puts nothing together where nobody does", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "direct" });
    gateway.backends.answer(200);
    const told: TelemetryEvent[] = [];
    const services = {
      ...gateway.services,
      emit: (event: TelemetryEvent) => void told.push(event),
    };
    const { body } = await handleRequest(services, requestTo(gateway), undefined);
    expect(told.map(({ event }) => event)).toEqual(["request.routed"]);
    await textOf(body);
    expect(told.map(({ event, lazily }) => [event, typeof lazily])).toEqual([
      ["request.routed", "function"],
      ["attempt.ended", "function"],
      ["request.ended", "function"],
    ]);
  });
});
