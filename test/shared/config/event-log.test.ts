import { describe, expect, it } from "vitest";
import { settingsWith } from "../../support/settings.ts";

describe("the event hub's namespace", () => {
  it.each([
    ["ns", {}, "ns.servicebus.windows.net"],
    [
      "ns",
      { GATEWAY_EVENTS_NAMESPACE_SUFFIX: "servicebus.usgovcloudapi.net" },
      "ns.servicebus.usgovcloudapi.net",
    ],
    ["ns.servicebus.chinacloudapi.cn", {}, "ns.servicebus.chinacloudapi.cn"],
  ])("%s is in its cloud: %j", (namespace, env, whole) => {
    const hub = { EVENT_LOGGERS: "eventhub", EVENTHUB_NAME: "h", EVENTHUB_NAMESPACE: namespace };
    const { eventLog } = settingsWith({ ...hub, ...env });
    expect(eventLog?.eventHub).toMatchObject({ fullyQualifiedNamespace: whole });
  });
});
