import { describe, expect, it } from "vitest";
import {
  allowedWebhook,
  defaultWebhooks,
  parseAsyncAccess,
  type WebhookAccess,
} from "../../../shared/identity/index.ts";

const parse = (text: string) =>
  parseAsyncAccess(`enabled=true, containername=abc, topic=t, ${text}`);

function accessOf(urls: string): WebhookAccess {
  const { access } = parse(`webhooks=${urls}, webhooksecret=Main`);
  if (!access.enabled || !access.webhooks) throw new Error("There are no webhooks.");
  return access.webhooks;
}

describe("the webhooks of a profile", () => {
  it("are URLs separated by blanks, and the name of what signs them", () => {
    expect(accessOf("https://a.example/x?y=z  https://b.example/*")).toEqual({
      urls: ["https://a.example/x?y=z", "https://b.example/*"],
      secret: "main",
    });
  });

  it("are none without a secret, and what is no URL is named and left out", () => {
    expect(parse("webhooks=https://a.example/")).toMatchObject({
      access: { enabled: true },
      warnings: ["webhooks need webhooksecret; none are sent"],
    });
    const { access, warnings } = parse("webhooks=ftp://a/ https://b.example/#x, webhooksecret=s");
    expect(access).not.toHaveProperty("webhooks");
    expect(warnings).toEqual(["webhooks has what is no usable URL"]);
  });

  it("go by default to those that are named in full", () => {
    expect(defaultWebhooks(accessOf("https://a.example/1 https://b.example/*"))).toEqual([
      "https://a.example/1",
    ]);
  });

  it("go where a job asks, when that is among them", () => {
    const access = accessOf("https://a.example/1 https://b.example/jobs/*");
    expect(allowedWebhook(access, "https://A.example:443/1")).toBe("https://a.example/1");
    expect(allowedWebhook(access, "https://b.example/jobs/7?x=1")).toBe(
      "https://b.example/jobs/7?x=1",
    );
  });

  it.each([
    "https://a.example/2",
    "http://a.example/1",
    "https://b.example/jobs/../admin",
    "https://b.example/jobs/%2e%2e/admin",
    "https://b.example.evil/jobs/1",
    "https://b.example@evil.example/jobs/1",
    "https://u:p@b.example/jobs/1",
    "https://b.example/jobs/*",
    "b.example/jobs/1",
    "",
  ])("go nowhere else: %s", (asked) => {
    expect(
      allowedWebhook(accessOf("https://a.example/1 https://b.example/jobs/*"), asked),
    ).toBeUndefined();
  });

  it("of a whole host stay on that host", () => {
    const access = accessOf("https://b.example*");
    expect(allowedWebhook(access, "https://b.example/any")).toBe("https://b.example/any");
    expect(allowedWebhook(access, "https://b.example.evil/any")).toBeUndefined();
  });
});
