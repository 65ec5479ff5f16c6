import { describe, expect, it } from "vitest";
import { isPublicAddress, targetFault } from "../../shared/webhooks/index.ts";

const PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"];

const INTERNAL = [
  "127.0.0.1",
  "127.8.8.8",
  "0.0.0.0",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "168.63.129.16",
  "100.64.0.1",
  "192.0.0.8",
  "198.18.0.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:169.254.169.254",
  "::ffff:168.63.129.16",
  "64:ff9b::a00:1",
  "::7f00:1",
  "::a9fe:a9fe",
  "4000::1",
  "2002:7f00:1::",
  "2001::1",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "fc00::1",
  "fd00:ec2::254",
  "ff02::1",
  "2001:db8::1",
  "localhost",
  "",
];

const strict = { allowLocal: false };
const local = { allowLocal: true };
const fault = (url: string, rule = strict) => targetFault(new URL(url), rule);

describe("an address that webhooks may reach", () => {
  it.each(PUBLIC)("is public: %s", (address) => expect(isPublicAddress(address)).toBe(true));

  it.each(INTERNAL)("is nothing within: %s", (address) =>
    expect(isPublicAddress(address)).toBe(false),
  );
});

describe("a URL that webhooks may call", () => {
  it("is https, holds no credentials, and names a host or a public address", () => {
    expect(fault("https://hooks.example.com/a?b=c")).toBeUndefined();
    expect(fault("https://93.184.216.34/")).toBeUndefined();
    expect(fault("http://hooks.example.com/")).toBe("no https");
    expect(fault("ftp://hooks.example.com/")).toBe("no https");
    expect(fault("https://u:p@hooks.example.com/")).toBe("credentials in the URL");
  });

  it.each([
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://[::1]/",
    "https://[::ffff:7f00:1]/",
    "https://169.254.169.254/metadata/identity/oauth2/token",
    "https://168.63.129.16/machine",
    "https://10.0.0.1:8443/",
  ])("is none that spells an internal address out: %s", (url) => {
    expect(fault(url)).toBe("an address that is not public");
  });

  it("may be this machine without TLS, where that is allowed, and nothing else within", () => {
    expect(fault("http://127.0.0.1:9/hook", local)).toBeUndefined();
    expect(fault("http://[::1]:9/hook", local)).toBeUndefined();
    expect(fault("http://10.0.0.1/", local)).toBe("an address that is not public");
    expect(fault("http://169.254.169.254/", local)).toBe("an address that is not public");
  });
});
