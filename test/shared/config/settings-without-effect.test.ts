import { describe, expect, it } from "vitest";
import { settingsWith } from "../../support/settings.ts";

const named = (env: Record<string, string>) => settingsWith(env).withoutEffect;

describe("settings without effect", () => {
  it.each([
    ["the original's", { AcceptableStatusCodes: "200" }],
    ["a mistyped one of the gateway's own", { GATEWAY_ROUTING_SPIL: "*=never" }],
    ["one in another case", { workers: "5" }],
    ["one of the gateway's in another case", { gateway_sync_mode: "queued" }],
    ["a host behind a gap", { Host3: "https://c.test" }],
    ["the probe of a host that is not there", { Probe_path2: "/health" }],
  ])("are named: %s", (_, env) => {
    expect(named(env)).toEqual(Object.keys(env));
  });

  it.each([
    [
      "what is read",
      { Workers: "5", GATEWAY_SYNC_MODE: "queued", Host2: "https://b.test", IP2: "" },
    ],
    [
      "the secret of a webhook",
      { GATEWAY_WEBHOOKS_SECRET_TEAM: `whsec_${Buffer.alloc(32).toString("base64")}` },
    ],
    ["what is empty", { AcceptableStatusCodes: "", GATEWAY_TYPO: "" }],
    ["what others may set", { HOSTNAME: "h", Port: "80", CONTAINER_APP_NAME: "a", Path: "/bin" }],
    ["the same name twice, where names have no case", { Workers: "5", WORKERS: "5" }],
  ])("are not %s", (_, env) => {
    expect(named(env)).toEqual([]);
  });
});
