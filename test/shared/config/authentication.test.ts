import { describe, expect, it } from "vitest";
import { settingsWith } from "../../support/settings.ts";

const TENANT = "11111111-2222-3333-4444-555555555555";
const ENTRA = {
  GATEWAY_AUTHENTICATION: "entra",
  GATEWAY_AUTH_TENANTS: TENANT,
  GATEWAY_AUTH_AUDIENCES: "api://gateway",
  GATEWAY_AUTH_APPS: "AAAA",
};

const problemsOf = (env: Record<string, string>): string => {
  try {
    settingsWith(env);
    return "";
  } catch (error) {
    return String(error);
  }
};

describe("the settings of authentication", () => {
  it("let everybody in unless they say otherwise, but not in Azure", () => {
    expect([...settingsWith().authentication.ways]).toEqual(["anonymous"]);
    const azure = { WEBSITE_SITE_NAME: "func" };
    expect(problemsOf(azure)).toContain("GATEWAY_AUTHENTICATION: must be set in Azure");
    expect(problemsOf({ ...azure, GATEWAY_AUTHENTICATION: "anonymous" })).toBe("");
  });

  it("compare ids without regard to case, and take * for all applications", () => {
    const { authentication } = settingsWith({
      ...ENTRA,
      GATEWAY_AUTH_TENANTS: TENANT.toUpperCase(),
    });
    expect(authentication.tenants).toEqual([TENANT]);
    expect(authentication.apps).toEqual(new Set(["aaaa"]));
    expect(settingsWith({ ...ENTRA, GATEWAY_AUTH_APPS: "*" }).authentication.apps).toBeUndefined();
  });

  it("take the authority with or without a slash", () => {
    const env = { ...ENTRA, GATEWAY_AUTH_AUTHORITY: "https://login.microsoftonline.us/" };
    expect(settingsWith(env).authentication.authority).toBe("https://login.microsoftonline.us");
  });

  it.each<[string, Record<string, string>, string]>([
    ["a way that is none", { GATEWAY_AUTHENTICATION: "entra,magic" }, "expected some of"],
    ["no way at all", { GATEWAY_AUTHENTICATION: "," }, "expected some of"],
    ["keys for nothing", { GATEWAY_AUTHENTICATION: "anonymous,function-key" }, "contradict"],
    ["headers nobody guards", { ...ENTRA, GATEWAY_AUTHENTICATION: "easy-auth" }, "easy-auth needs"],
    ["no tenant", { ...ENTRA, GATEWAY_AUTH_TENANTS: "" }, "GATEWAY_AUTH_TENANTS: must name"],
    ["every tenant", { ...ENTRA, GATEWAY_AUTH_TENANTS: "common" }, "expected ids of tenants"],
    ["no audience", { ...ENTRA, GATEWAY_AUTH_AUDIENCES: "" }, "GATEWAY_AUTH_AUDIENCES: must name"],
    ["an open tenant", { ...ENTRA, GATEWAY_AUTH_APPS: "" }, "GATEWAY_AUTH_APPS: must name"],
    ["keys in the clear", { GATEWAY_AUTH_AUTHORITY: "http://login.test" }, "expected an https URL"],
  ])("are refused with %s", (_, env, problem) => {
    expect(problemsOf(env)).toContain(problem);
  });
});
