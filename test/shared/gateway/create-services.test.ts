import { expect, it } from "vitest";
import { shippedLanes } from "../../../shared/config/index.ts";
import { createServices } from "../../../shared/gateway/index.ts";
import type { TelemetryEvent } from "../../../shared/telemetry/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { settingsWith } from "../../support/settings.ts";

it("an app that starts warns of settings that nobody reads, by name", async () => {
  const told: TelemetryEvent[] = [];
  const owned = createServices({
    settings: settingsWith({
      ...{ GATEWAY_ROLE: "stream", Host1: "host=http://backend-1.test;mode=direct" },
      ...{ AcceptableStatusCodes: "secret-1", GATEWAY_ROUTING_SPIL: "secret-2" },
    }),
    connections: { messaging: undefined, storage: undefined },
    lanes: shippedLanes(),
    emit: (event) => void told.push(event),
    clock: new FakeClock(),
  });
  owned.start();
  owned.stop();
  await owned.close();
  const warned = told.filter(({ event }) => event === "settings.without-effect");
  expect(warned).toMatchObject([
    { level: "warning", names: "AcceptableStatusCodes, GATEWAY_ROUTING_SPIL" },
  ]);
  expect(JSON.stringify(warned)).not.toContain("secret");
});
