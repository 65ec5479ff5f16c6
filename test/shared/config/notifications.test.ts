import { describe, expect, it } from "vitest";
import { settingsWith } from "../../support/settings.ts";

const KEY = Buffer.alloc(32, 1);
const NEW_KEY = Buffer.alloc(24, 2);
const SHORT_KEY = Buffer.alloc(23, 3);
const secret = (key: Buffer): string => `whsec_${key.toString("base64")}`;

describe("the secrets of webhooks", () => {
  it("are found by name in any case, with or without their prefix, one or several", () => {
    const { webhookSecrets } = settingsWith({
      GATEWAY_WEBHOOKS_SECRET_MAIN: KEY.toString("base64"),
      GATEWAY_WEBHOOKS_SECRET_turning: `${secret(KEY)} ${secret(NEW_KEY)}`,
    }).notifications;
    expect(webhookSecrets.get("main")).toEqual([KEY]);
    expect(webhookSecrets.get("turning")).toEqual([KEY, NEW_KEY]);
  });

  it.each(["whsec_", "not base64!", secret(SHORT_KEY), "@Microsoft.KeyVault(SecretUri=x)"])(
    "keep the app from starting when they cannot sign: %s",
    (text) => {
      expect(() => settingsWith({ GATEWAY_WEBHOOKS_SECRET_MAIN: text })).toThrow(
        "GATEWAY_WEBHOOKS_SECRET_MAIN: expected whsec_ and 24 to 64 bytes",
      );
    },
  );
});

describe("webhooks to this machine", () => {
  it("are allowed where somebody says so, but never in Azure", () => {
    const allowed = { GATEWAY_WEBHOOKS_ALLOW_LOCAL: "true" };
    expect(settingsWith().notifications.allowLocalWebhooks).toBe(false);
    expect(settingsWith(allowed).notifications.allowLocalWebhooks).toBe(true);
    for (const name of ["WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID"]) {
      expect(() => settingsWith({ ...allowed, [name]: "x" })).toThrow("refused in Azure");
      expect(() =>
        settingsWith({ [name]: "x", GATEWAY_AUTHENTICATION: "anonymous" }),
      ).not.toThrow();
    }
  });
});
