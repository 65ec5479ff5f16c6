import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const REFRESH = { timeout: 60_000, interval: 200 };

const PROFILES = [
  { userId: "u1", Team: "red", "internal-k": "v", Models: "gpt-4o,gpt-5*" },
  { userId: "bare" },
  { userId: "urgent", S7PPriorityKey: "hi", Models: "*" },
  { userId: "limited", Models: "*", "limit-requests-per-minute": 50 },
  { userId: "few", Models: "*", "limit-concurrent": 2 },
  { userId: "gone", Models: "*" },
];

let backend: HoldingBackend;
let stack: TestStack;
let folder: string;

const write = (name: string, value: unknown): string => {
  const path = join(folder, name);
  // As a whole: the gateway may read it at any moment.
  writeFileSync(`${path}.new`, typeof value === "string" ? value : JSON.stringify(value));
  renameSync(`${path}.new`, path);
  return `file:${path}`;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gateway-policy-"));
  backend = await startHoldingBackend();
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};mode=direct`,
      GATEWAY_SYNC_MODE: "direct",
      Workers: "300",
      PriorityKeys: "hi,lo",
      PriorityValues: "1,3",
      UseProfiles: "true",
      UserConfigUrl: write("profiles.json", PROFILES),
      SuspendedUserConfigUrl: write("suspended.json", [{ userId: "gone" }]),
      ValidateAuthAppID: "true",
      ValidateAuthAppIDHeader: "X-App",
      ValidateAuthAppIDUrl: write("apps.json", [{ authAppID: "id-1" }]),
      GATEWAY_POLICY_SETTINGS_URL: write("settings.json", {}),
      UserConfigRefreshIntervalSecs: "1",
      AZURE_APPCONFIG_REFRESH_INTERVAL_SECONDS: "1",
      RequiredHeaders: "X-Corr",
      ValidateHeaders: "X-Model=Models",
      DisallowedHeaders: "X-Forbidden",
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const GOOD = { "X-App": "id-1", "X-UserProfile": "u1", "X-Corr": "c", "X-Model": "gpt-4o" };
type Headers = Record<string, string | undefined>;

/** A request that would be let in, but for what is changed; undefined leaves a header out. */
async function ask(change: Headers = {}, path = "/x"): Promise<{ status: number; code: string }> {
  const entries = Object.entries({ ...GOOD, ...change }).filter(([, value]) => value !== undefined);
  const response = await fetch(`${stack.url}${path}`, {
    headers: Object.fromEntries(entries) as Record<string, string>,
  });
  const text = await response.text();
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  return { status: response.status, code: isProblem ? JSON.parse(text).code : text };
}
const statusOf = async (change: Headers) => (await ask(change)).status;
const codeOf = async (change: Headers) => (await ask(change)).code;

describe("who may enter", () => {
  it("V04: only applications on the list, in any case", async () => {
    expect(await ask({ "X-App": undefined })).toEqual({ status: 403, code: "app-id-not-allowed" });
    expect(await statusOf({ "X-App": "id-2" })).toBe(403);
    expect(await statusOf({ "X-App": "ID-1" })).toBe(200);
  });

  it("V05: nobody under an unknown profile", async () => {
    const before = backend.seen.length;
    expect(await ask({ "X-UserProfile": "nobody" })).toEqual({
      status: 403,
      code: "profile-not-found",
    });
    expect(backend.seen.length).toBe(before);
  });

  it("V08, V15: backends see the profile's headers, once, and neither internals nor allow-lists", async () => {
    await ask({ Team: "blue", "X-Forbidden": "1" }, "/v08");
    const { rawHeaders = [], headers } = backend.seen.at(-1) ?? {};
    expect(rawHeaders.filter((text) => text.toLowerCase() === "team")).toHaveLength(1);
    expect(headers?.["team"]).toBe("red");
    expect(Object.keys(headers ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(internal-k|models|x-forbidden)$/)]),
    );
  });

  it("V10: nobody who is suspended", async () => {
    expect(await codeOf({ "X-UserProfile": "gone" })).toBe("user-suspended");
  });

  it("V12: nobody without a required header, or with an empty one", async () => {
    expect(await ask({ "X-Corr": undefined })).toEqual({ status: 417, code: "header-missing" });
    expect(await statusOf({ "X-Corr": "" })).toBe(417);
    expect(await statusOf({ "X-Corr": "c" })).toBe(200);
  });

  it("V13, V14: only values on the profile's list, whatever list the client sends", async () => {
    expect(await statusOf({ "X-Model": "gpt-4o" })).toBe(200);
    expect(await statusOf({ "X-Model": "GPT-5-mini" })).toBe(200);
    expect(await codeOf({ "X-Model": "gpt-4" })).toBe("header-not-allowed");
    expect(await codeOf({ "X-Model": "gpt-4", Models: "*" })).toBe("header-not-allowed");
  });

  it("V16: identity comes before content", async () => {
    expect(await statusOf({ "X-App": "id-2", "X-Corr": undefined })).toBe(403);
  });
});

describe("limits", () => {
  it("let exactly 50 of 200 parallel requests through a budget of 50", async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => ask({ "X-UserProfile": "limited" })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(answers.filter(({ code }) => code === "limit-exceeded")).toHaveLength(150);
  });

  it("tell OpenAI's clients what is left, and when to come back", async () => {
    const response = await fetch(`${stack.url}/x`, {
      headers: { ...GOOD, "X-UserProfile": "limited" },
    });
    expect(response.status).toBe(429);
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("50");
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    const seconds = Number(response.headers.get("retry-after"));
    expect(seconds > 0 && seconds <= 60).toBe(true);
  });

  it("of concurrent requests free a place with each that ends", async () => {
    const held = [1, 2].map(() => ask({ "X-UserProfile": "few" }, "/hold"));
    await expect.poll(() => backend.held, { timeout: 60_000 }).toBe(2);
    expect(await codeOf({ "X-UserProfile": "few" })).toBe("limit-exceeded");
    backend.release();
    await Promise.all(held);
    expect(await statusOf({ "X-UserProfile": "few" })).toBe(200);
  });
});

describe("a policy that changes while requests are served", () => {
  it("V11: a suspension acts within the refresh interval, and its end too", async () => {
    expect(await statusOf({ "X-UserProfile": "bare", "X-Model": undefined })).not.toBe(403);
    write("suspended.json", [{ userId: "bare" }]);
    await expect.poll(() => codeOf({ "X-UserProfile": "bare" }), REFRESH).toBe("user-suspended");
    write("suspended.json", [{ userId: "gone" }]);
    await expect
      .poll(() => codeOf({ "X-UserProfile": "bare" }), REFRESH)
      .not.toBe("user-suspended");
  });

  it("V95: an application that is taken off the list is refused", async () => {
    write("apps.json", [{ authAppID: "id-1" }, { authAppID: "id-9" }]);
    await expect.poll(() => statusOf({ "X-App": "id-9" }), REFRESH).toBe(200);
    write("apps.json", [{ authAppID: "id-1" }]);
    await expect.poll(() => statusOf({ "X-App": "id-9" }), REFRESH).toBe(403);
  });

  it("V86, V93: settings change as a whole, and a bad document leaves the old ones in force", async () => {
    const missing = { "X-Corr": undefined };
    write("settings.json", { RequiredHeaders: "X-Other" });
    await expect.poll(() => codeOf({ "X-Other": undefined }), REFRESH).toBe("header-missing");
    expect(await statusOf({ ...missing, "X-Other": "o" })).toBe(200);
    write("settings.json", { RequiredHeaders: "X-Third", PriorityKeys: "a,b,c" });
    await expect.poll(() => stack.output(), REFRESH).toContain("document.rejected");
    expect(await statusOf({ ...missing, "X-Other": "o" })).toBe(200);
    write("settings.json", {});
    await expect.poll(() => statusOf({ "X-Other": undefined }), REFRESH).toBe(200);
  });

  it("V96: the last good profiles hold while their document is broken", async () => {
    const rejections = () => stack.output().split("document.rejected").length;
    const before = rejections();
    write("profiles.json", "[ this is no JSON");
    await expect.poll(rejections, REFRESH).toBeGreaterThan(before);
    expect(await statusOf({})).toBe(200);
    write("profiles.json", PROFILES);
  });
});
