import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { acceptBatch, handleRequest } from "../../shared/gateway/index.ts";
import { parseAsyncAccess } from "../../shared/identity/index.ts";
import { parseBatchLine } from "../../shared/jobs/index.ts";
import { readSubmission } from "../../shared/messaging/index.ts";
import { matchHosts, servingHost } from "../../shared/routing/index.ts";
import { createGateway, fakeEngine, requestTo } from "../support/gateway.ts";
import { settingsWith } from "../support/settings.ts";
import { bodyOf } from "../support/streams.ts";

const { hosts } = settingsWith({
  Host1: "host=https://one.test/openai;path=/v1;mode=direct",
  Host2: "host=https://two.test/base;mode=direct",
});
const serving = hosts.map(servingHost);
const targetsOf = (target: string): string[] =>
  matchHosts(serving, target).map((match) => match.target);

// Both halves are what servers, proxies and frameworks are known to take for dots, and for slashes.
const DOTS = ["..", ".", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%25252e.", "..;x=1", "..%3b"];
const SLASHES = ["/", "\\", "%2f", "%2F", "%5c", "%252f", "%25255C"];

describe("a path", () => {
  it.each(DOTS)("with the dot segment %s is no host's", (dots) => {
    for (const slash of SLASHES) {
      for (const path of [`/v1${slash}${dots}${slash}admin`, `/v1/${dots}`, `${slash}${dots}/v1`]) {
        const target = path.startsWith("/") ? path : `/${path}`;
        expect([target, targetsOf(target)]).toEqual([target, []]);
        expect([target, targetsOf(`${target}?a=b`)]).toEqual([`${target}`, []]);
      }
    }
  });

  it.each(["/v1/a..b", "/v1/...", "/v1/.well-known/x", "/v1/a.", "/v1?x=/../y", "/v1/%2e%2ex"])(
    "with dots that are none of these is left alone: %s",
    (target) => expect(targetsOf(target)).toHaveLength(1),
  );

  it("never leaves its host's own, whatever it is made of", () => {
    const piece = fc.constantFrom(...DOTS, ...SLASHES, "v1", "a", ";", "?", "@evil.test", ":", "#");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        for (const [prefix, origin] of [
          ["/v1", "https://one.test"],
          ["/other", "https://two.test"],
        ] as const) {
          const base = origin === "https://one.test" ? "/openai/" : "/base/";
          for (const target of targetsOf(`${prefix}/${pieces.join("")}`)) {
            const url = new URL(`${origin}${target}`);
            expect([url.origin, url.pathname.startsWith(base)]).toEqual([origin, true]);
          }
        }
      }),
    );
  });

  it.each([
    "http://evil.test/x",
    "//evil.test/x",
    "///evil.test",
    "/\\evil.test/x",
    "/@evil.test/x",
    "/http://evil.test/x",
    "evil.test:443",
    "*",
  ])("names no host of its own: %s", (target) => {
    for (const found of targetsOf(target)) {
      expect(found.startsWith("/base/")).toBe(true);
      expect(new URL(`https://two.test${found}`).origin).toBe("https://two.test");
    }
  });

  it("that no host has is answered so, and no backend hears of it", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "direct" });
    gateway.backends.answer(200);
    const request = requestTo(gateway, { target: "/chat/%2e%2e/admin" });
    const { status } = await handleRequest(gateway.services, request, undefined);
    gateway.stop();
    expect([status, gateway.backends.calls]).toEqual([404, []]);
  });

  it.each(["/jobs/x", "/operations/status", "/OpenAPI.json", "/Operations", "/jobs?a", "//evil"])(
    "of the gateway's own, or of none, is no line of a batch: %s",
    (url) => {
      const line = { custom_id: "a", method: "POST", url, body: {} };
      expect(parseBatchLine(JSON.stringify(line))).toMatch(/path/);
    },
  );
});

/** A profile with jobs, that lists the paths for which it may ask. */
function listedPaths(paths: string): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "gateway-paths-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "profiles.json");
  const access = "enabled=true, containername=results, topic=events";
  writeFileSync(file, JSON.stringify([{ userId: "bob", Paths: paths, "async-config": access }]));
  return { UseProfiles: "true", UserConfigUrl: `file:${file}`, ValidateHeaders: "S7Path=Paths" };
}

describe("a path", () => {
  it.each(["/images/make", "/chat/..%2fimages", "/Chats", "/x/chat/"])(
    "that a profile does not list is no line of a batch: %s",
    async (url) => {
      const gateway = createGateway(listedPaths("/chat/*, /jobs/batch"));
      const headers = [
        ["X-UserProfile", "bob"],
        ["Paths", "/*"],
      ] as const;
      const query = { id: "", headers, target: "/jobs/batch", engine: fakeEngine() };
      const batchOf = (...urls: readonly string[]) => {
        const lines = urls.map((each, at) => ({ custom_id: `${at}`, method: "POST", url: each }));
        const text = lines.map((line) => JSON.stringify({ ...line, body: {} })).join("\n");
        return acceptBatch(gateway.services, { ...query, body: bodyOf(text) });
      };
      const refused = { code: "header-not-allowed", message: expect.stringContaining("Line 2: ") };
      await expect(batchOf("/chat/a", url)).rejects.toMatchObject(refused);
      expect([query.engine.start.mock.calls, gateway.results.blobs.size]).toEqual([[], 0]);
      expect((await batchOf("/chat/a", "/chat/b")).status).toBe(202);
      gateway.stop();
    },
  );
});

describe("a job's id", () => {
  it.each([
    "starting",
    "owner-0123",
    "../job-2",
    "a/b",
    "a\\b",
    "a%2fb",
    "a?b",
    "a#b",
    "a'b",
    ".hidden",
    "-x",
    "a b",
    "x".repeat(101),
    "",
  ])("that is a place of the gateway's, or no name, is refused: %j", (id) => {
    expect(() => readSubmission({ id, user: "ann", path: "/chat" })).toThrow("id");
  });
});

describe("a name that a client chooses", () => {
  it.each(["../x", "a'b or 1 eq 1", "a/b", "a\\b", "a#b?c", "due-0", "%2e%2e%2f"])(
    "is no part of a row's key, or of a blob's name: %s",
    async (name) => {
      const gateway = createGateway({ GATEWAY_MESSAGING_INLINE_BYTES: "1" });
      const headers = [
        ["X-UserID", name],
        ["Idempotency-Key", name],
        ["S7PAsyncMode", "true"],
      ] as const;
      const request = requestTo(gateway, { id: "job-1", headers, body: "a long body" });
      const { status } = await handleRequest(gateway.services, request, fakeEngine());
      await gateway.services.jobs?.detached.close();
      gateway.stop();
      expect(status).toBe(202);
      const keys = [...gateway.table.rows.values()].flatMap((row) => [
        row.partitionKey,
        row.rowKey,
      ]);
      expect(keys.length).toBeGreaterThan(3);
      expect(keys.filter((key) => !/^[A-Za-z0-9._:-]+$/.test(key ?? ""))).toEqual([]);
      expect(keys.filter((key) => key === name)).toEqual([]);
      expect([...gateway.work.blobs.keys()]).toEqual(["jobs/job-1/request", "idempotency/job-1"]);
    },
  );

  it.each(["../x", "$logs", "a/b", "A", "a--b", "-a", "ab", "x".repeat(64), "a%2fb", "a?sig=1"])(
    "is no container: %s",
    (name) => {
      const text = `enabled=true, containername=${name}, topic=events`;
      expect(parseAsyncAccess(text).access).toEqual({ enabled: false });
    },
  );
});
