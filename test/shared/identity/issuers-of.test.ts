import { describe, expect, it } from "vitest";
import { issuersOf } from "../../../shared/identity/issuers-of.ts";

const TENANT = "tenant";

describe("the issuers of a tenant's tokens", () => {
  it.each([
    ["https://login.microsoftonline.com", "https://sts.windows.net"],
    ["https://login.microsoftonline.us", "https://sts.windows.net"],
  ])("are by %s its own and %s", (authority, first) => {
    expect(issuersOf(authority, TENANT)).toEqual([
      `${authority}/${TENANT}/v2.0`,
      `${first}/${TENANT}/`,
    ]);
  });

  it.each(["https://login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"])(
    "are in China the same by each of its names: %s",
    (authority) => {
      expect(issuersOf(authority, TENANT)).toEqual([
        `https://login.chinacloudapi.cn/${TENANT}/v2.0`,
        `https://login.partner.microsoftonline.cn/${TENANT}/v2.0`,
        `https://sts.chinacloudapi.cn/${TENANT}/`,
      ]);
    },
  );

  it("are never those of another cloud", () => {
    const [us, cn] = ["https://login.microsoftonline.us", "https://login.chinacloudapi.cn"];
    const ofUs = issuersOf(us, TENANT);
    expect(issuersOf(cn, TENANT).filter((issuer) => ofUs.includes(issuer))).toEqual([]);
    expect(issuersOf("https://login.test/chinacloudapi.cn", TENANT)[1]).toContain(
      "sts.windows.net",
    );
  });
});
