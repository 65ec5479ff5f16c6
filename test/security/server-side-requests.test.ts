import type { LookupAddress } from "node:dns";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCachedLookup } from "../../shared/backends/lookup.ts";
import { isBackendAddress } from "../../shared/config/index.ts";
import { systemClock } from "../../shared/core/clock.ts";
import { fetchJson } from "../../shared/gateway/fetch-json.ts";
import { allowedWebhook } from "../../shared/identity/index.ts";
import { findProviderWork, ownTarget } from "../../shared/jobs/index.ts";
import { settingsWith } from "../support/settings.ts";

/** A server of this machine, which ends with its test. */
async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// Each leads to a cloud's identity service, to Azure's way into its hosts, or to nobody.
const NEVER = [
  "169.254.169.254",
  "169.254.1.1",
  "168.63.129.16",
  "0.0.0.0",
  "255.255.255.255",
  "224.0.0.1",
  "::",
  "fe80::1",
  "fe80::1%eth0",
  "ff02::1",
  "fd00:ec2::254",
  "::ffff:169.254.169.254",
  "::ffff:a83f:8110",
  "::a9fe:a9fe",
  "64:ff9b::a9fe:a9fe",
  "2002:a9fe:a9fe::1",
];

describe("a host of the settings", () => {
  it.each(NEVER)("is never at %s", (address) => expect(isBackendAddress(address)).toBe(false));

  it.each(["10.0.0.4", "127.0.0.1", "192.168.7.7", "172.20.0.1", "20.1.2.3", "fd00::4", "::1"])(
    "may be on a private network: %s",
    (address) => expect(isBackendAddress(address)).toBe(true),
  );

  it.each([
    "http://169.254.169.254/metadata/identity/oauth2/token",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://168.63.129.16/",
    "host=http://a.test;ipaddress=169.254.169.254",
  ])("cannot spell such an address out: %s", (host) => {
    expect(() => settingsWith({ Host1: host })).toThrow(
      "the address belongs to a platform's own services",
    );
  });

  it("has no credentials in its URL, and the refusal does not repeat them", () => {
    for (const host of ["https://u:hunter2@a.test", "u:hunter2@a b", "ftp://u:hunter2@a.test"]) {
      const starting = () => settingsWith({ Host1: host });
      expect(starting).toThrow(/credentials|not an http\(s\) URL/);
      expect(starting).not.toThrow(/hunter2/);
    }
    expect(() => settingsWith({ Host1: "https://u:hunter2@a.test" })).toThrow("credentials");
  });

  it("is not followed to such an address when its name leads there later", async () => {
    const answers: LookupAddress[][] = [
      [{ address: "169.254.169.254", family: 4 }],
      [
        { address: "::ffff:a9fe:a9fe", family: 6 },
        { address: "10.0.0.4", family: 4 },
      ],
    ];
    const lookUp = (lookup: ReturnType<typeof createCachedLookup>) =>
      new Promise((resolve) => {
        lookup("backend.test", {}, (error, address) => resolve(error?.code ?? address));
      });
    const rebinding = (): ReturnType<typeof createCachedLookup> =>
      createCachedLookup(systemClock, 1000, (_, answer) => answer(null, answers.shift() ?? []));
    expect(await lookUp(rebinding())).toBe("ENOTFOUND");
    expect(await lookUp(rebinding())).toBe("10.0.0.4");
  });
});

describe("the URL of a webhook", () => {
  const access = { urls: ["https://hooks.test/ann/*", "https://one.test/hook"], secret: "a" };

  it.each([
    "https://hooks.test.evil.test/ann/x",
    "https://hooks.test@evil.test/ann/x",
    "https://ann:secret@hooks.test/ann/x",
    "https://hooks.test:8443/ann/x",
    "https://hooks.test/ann/../bob/x",
    "https://hooks.test/ann/%2e%2e/bob/x",
    "https://hooks.test/ann/.%2E/bob/x",
    "https://hooks.test\\@evil.test/ann/x",
    "https://hooks.test/bob",
    "http://hooks.test/ann/x",
    "//hooks.test/ann/x",
    "https://one.test/hook/more",
    "https://one.test/hook#x",
    "https://hooks.test/ann/*",
    "file:///etc/passwd",
    "",
  ])("is none but those of the profile: %s", (url) => {
    expect(allowedWebhook(access, url)).toBeUndefined();
  });
});

describe("what a provider says of its work", () => {
  const called = { origin: "https://one.test", target: "/responses?api-version=1" };

  it.each([
    "https://evil.test/operations/1",
    "//evil.test/operations/1",
    "\\\\evil.test\\operations\\1",
    "https://one.test@evil.test/1",
    "https://one.test.evil.test/1",
    "https://one.test:444/1",
    "http://one.test/1",
    "https://u:p@one.test/1",
    "http://169.254.169.254/metadata",
    "file:///etc/passwd",
    "javascript:1",
  ])("leads to no other host: %s", (address) => {
    expect(ownTarget(address, called)).toBeUndefined();
    for (const name of ["Operation-Location", "Azure-AsyncOperation", "Location"]) {
      const answer = { status: 202, headers: [[name, address]] as const, fields: {} };
      expect(findProviderWork(answer, called)).toBeUndefined();
    }
  });
});

describe("a document that says whom to trust", () => {
  it("is not fetched from where somebody else points", async () => {
    const asked: (string | undefined)[] = [];
    const url = await listening((request, response) => {
      asked.push(request.url);
      if (request.url === "/keys") response.writeHead(302, { location: "/forged" }).end();
      else response.end('{"keys":[]}');
    });
    await expect(fetchJson(`${url}/keys`, AbortSignal.timeout(20_000))).rejects.toThrow();
    expect(asked).toEqual(["/keys"]);
  });

  it("comes over a line that nobody else writes to", () => {
    const authority = (url: string) => () => settingsWith({ GATEWAY_AUTH_AUTHORITY: url });
    for (const url of ["http://login.test", "http://169.254.169.254", "ftp://login.test", "x"]) {
      expect(authority(url)).toThrow("GATEWAY_AUTH_AUTHORITY");
    }
    expect(authority("https://login.test")).not.toThrow();
  });
});
