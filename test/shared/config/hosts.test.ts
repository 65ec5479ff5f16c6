import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostKey, parseHosts } from "../../../shared/config/hosts.ts";

const DEFAULTS = { weight: 1, tier: 1, midstream: "error" };

const only = (env: Record<string, string>) => {
  const { hosts, problems } = parseHosts(env);
  expect(problems).toEqual([]);
  expect(hosts).toHaveLength(1);
  return hosts[0];
};

describe("parseHosts", () => {
  it("reads a plain URL with its probe path and address", () => {
    const env = { Host1: "https://a.test:8443/base/", Probe_path1: "up", IP1: "10.0.0.7" };
    expect(only(env)).toEqual({
      id: "Host1",
      origin: "https://a.test:8443",
      basePath: "/base",
      pathPrefix: "",
      stripPrefix: true,
      mode: "probed",
      probePath: "up",
      ipAddress: "10.0.0.7",
      processor: undefined,
      tokenScope: undefined,
      ...DEFAULTS,
    });
  });

  it("reads the form of keys and values, in any case and with either separator", () => {
    const pairs = [
      "HOST=a.test",
      "Path=/openai/*",
      "probe=echo/resource?param1=sample",
      "mode=direct",
      "ipaddress=::1",
      "processor=OpenAI",
      "stripprefix=false",
      "usemi=true",
      "audience=api://x/.default",
      "retryafter=true",
    ];
    const expected = {
      id: "Host1",
      origin: "https://a.test",
      basePath: "",
      pathPrefix: "/openai",
      stripPrefix: false,
      mode: "direct",
      probePath: "echo/resource?param1=sample",
      ipAddress: "::1",
      processor: "OpenAI",
      tokenScope: "api://x/.default",
      ...DEFAULTS,
    };
    expect(only({ Host1: pairs.join(";") })).toEqual(expected);
    expect(only({ Host1: pairs.join(" , ") })).toEqual(expected);
  });

  it("recognises a lone key, which the original takes for a bad URL", () => {
    expect(only({ Host1: "host=https://a.test" })).toMatchObject({ origin: "https://a.test" });
  });

  it.each([
    ["/", ""],
    ["/*", ""],
    ["*", ""],
    ["/api", "/api"],
    ["/api/", "/api"],
    ["/api/*", "/api"],
    ["api", "/api"],
    ["/API/v1", "/API/v1"],
  ])("reads the path %s as the prefix %j", (path, prefix) => {
    expect(only({ Host1: `host=a.test;path=${path}` })?.pathPrefix).toBe(prefix);
  });

  it("asks for a token only where it is told to, for the audience of all unless the host has its own", () => {
    const env = { OAuthAudience: "api://all/.default" };
    expect(only({ ...env, Host1: "host=a.test;path=/" })?.tokenScope).toBeUndefined();
    expect(only({ ...env, Host1: "host=a.test;useoauth=true" })?.tokenScope).toBe(
      "api://all/.default",
    );
    expect(only({ Host1: "host=a.test;usemi=true" })?.tokenScope).toBe(
      "https://cognitiveservices.azure.com/.default",
    );
  });

  it.each([
    ["api://x", "api://x/.default"],
    ["https://cognitiveservices.azure.us/", "https://cognitiveservices.azure.us/.default"],
    ["https://ai.azure.com/.default", "https://ai.azure.com/.default"],
  ])("takes the audience %s for the scope %s", (audience, scope) => {
    const host = only({ Host1: `host=a.test;usemi=true;audience=${audience}` });
    expect(host?.tokenScope).toBe(scope);
  });

  it.each([
    ["http://a.test", ["Host1: the gateway's token goes over https only"]],
    ["http://127.0.0.1.a.test", ["Host1: the gateway's token goes over https only"]],
    ["https://a.test", []],
    ["http://localhost:8080", []],
    ["http://127.0.0.1:8080", []],
    ["http://[::1]:8080", []],
  ])("sends its token to %s where nobody else can hear it", (host, problems) => {
    expect(parseHosts({ Host1: `host=${host};usemi=true` }).problems).toEqual(problems);
  });

  it("takes what becomes of broken streams from the setting where it does not say", () => {
    const env = { GATEWAY_BACKENDS_MIDSTREAM: "verify" };
    expect(only({ Host1: "host=a.test", ...env })).toMatchObject({ midstream: "verify" });
    const own = only({ Host1: "host=a.test;midstream=error", ...env });
    expect(own).toMatchObject({ midstream: "error" });
  });

  it("reads capacity, classes, limits and the model's name", () => {
    const pairs = [
      "host=a.test",
      "weight=3",
      "tier=PayGo",
      "priorities=1,2",
      "maxconcurrency=8",
      "timeout=60*1000",
      "model=gpt-4o-eu",
      "region=westeurope",
      "contextwindow=128000",
      "midstream=verify",
      "usemi=true",
      "scope=api://y/.default",
    ];
    const expected = {
      weight: 3,
      tier: 2,
      priorities: [1, 2],
      maxConcurrency: 8,
      firstByteTimeoutMs: 60_000,
      model: "gpt-4o-eu",
      region: "westeurope",
      contextWindow: 128_000,
      midstream: "verify",
      tokenScope: "api://y/.default",
    };
    expect(only({ Host1: pairs.join(";") })).toMatchObject(expected);
    expect(only({ Host1: pairs.join(",") })).toMatchObject(expected);
    expect(only({ Host1: "host=a.test;tier=ptu;priorities=3|1" })).toMatchObject({
      tier: 1,
      priorities: [3, 1],
    });
  });

  it("names every bad value of every host at once", () => {
    const { problems } = parseHosts({
      Host1: "host=a.test;weight=-1;tier=gold;priorities=0,1",
      Host2: "host=b.test;maxconcurrency=0;timeout=soon;contextwindow=1.5;speed=9",
    });
    const named = ["weight", "tier", "priorities", "maxconcurrency", "timeout", "contextwindow"];
    for (const key of named) expect(problems.join("\n")).toContain(`${key}:`);
    expect(problems.join("\n")).toContain("Host2: unknown keys speed");
    expect(parseHosts({ Host1: "host=ftp://a.test;tier=gold" }).problems).toEqual([
      expect.stringContaining("Host1: tier:"),
      'Host1: "ftp://a.test" is not an http(s) URL',
    ]);
  });

  it("knows a host again after its weight changed, but not after its place did", () => {
    const key = (text: string) => {
      const host = only({ Host1: text });
      return host && hostKey(host);
    };
    const before = key("host=http://a.test/base;path=/api");
    expect(key("host=http://a.test/base;path=/api;weight=9;tier=2;mode=direct")).toBe(before);
    for (const other of ["http://b.test/base;path=/api", "http://a.test;path=/api"]) {
      expect(key(`host=${other}`)).not.toBe(before);
    }
    expect(key("host=http://a.test/base;path=/apis")).not.toBe(before);
  });

  it("stops at the first gap, as the original does", () => {
    const { hosts } = parseHosts({ Host1: "http://a", Host2: "http://b", Host4: "http://d" });
    expect(hosts.map(({ id }) => id)).toEqual(["Host1", "Host2"]);
  });

  it.each([
    ["host=a.test;colour=red;size=1", "Host1: unknown keys colour, size"],
    ["host=a.test;mode=sometimes", "Host1: mode:"],
    ["host=a.test;usemi=yes", 'Host1: usemi: expected true or false, got "yes"'],
    ["host=a.test;ipaddress=10.0.0.300", "Host1: ipaddress: expected an IPv4 or IPv6 address"],
    ["path=/api;probe=x", "Host1: host: expected a URL"],
    ["ftp://a.test", 'Host1: "ftp://a.test" is not an http(s) URL'],
    ["https://a.test;usemi=true", "Host1: keys need the form host=URL;key=value"],
    ["https://a.test,https://b.test", "Host1: keys need the form host=URL;key=value"],
    ["https://", 'Host1: "https://" is not an http(s) URL'],
    ["https://a.test/base?api-version=1", "Host1: the URL must end with its path"],
    ["host=https://a.test/#x", "Host1: the URL must end with its path"],
  ])("names what is wrong with %s", (text, problem) => {
    const { hosts, problems } = parseHosts({ Host1: text });
    expect(hosts).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it("goes on behind a host that is wrong, and keeps every other's number", () => {
    const { hosts, problems } = parseHosts({ Host1: "ftp://a", Host2: "http://b", Host3: "x=1" });
    expect(hosts.map(({ id }) => id)).toEqual(["Host2"]);
    expect(problems.map((problem) => problem.slice(0, 5))).toEqual(["Host1", "Host3", "Host3"]);
  });

  it("never throws, and reads each host or names its problem", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const { hosts, problems } = parseHosts({ Host1: text });
        expect(hosts.length + Math.min(problems.length, 1)).toBe(1);
      }),
    );
  });
});
