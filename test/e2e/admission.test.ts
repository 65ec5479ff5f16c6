import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";

const WORKERS = 2;

let first: HoldingBackend;
let second: HoldingBackend;
let stack: TestStack;
let folder: string;

const write = (name: string, value: unknown): string => {
  const path = join(folder, name);
  // As a whole: the gateway may read it at any moment.
  writeFileSync(`${path}.new`, JSON.stringify(value));
  renameSync(`${path}.new`, path);
  return `file:${path}`;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gateway-admission-"));
  first = await startHoldingBackend();
  second = await startHoldingBackend();
  stack = await startStack({
    env: {
      Host1: `host=${first.url};mode=direct`,
      GATEWAY_SYNC_MODE: "direct",
      Workers: String(WORKERS),
      PriorityWorkers: "2:1",
      PriorityKeys: "hi,lo",
      PriorityValues: "1,3",
      CBErrorThreshold: "5",
      CBTimeslice: "600",
      GATEWAY_ROUTING_BREAKER_PERCENT: "1",
      UseProfiles: "true",
      UserConfigUrl: write("profiles.json", [
        { userId: "bare" },
        { userId: "urgent", S7PPriorityKey: "hi" },
        { userId: "curious", "allow-debug": true },
      ]),
      GATEWAY_POLICY_SETTINGS_URL: write("settings.json", {}),
      AZURE_APPCONFIG_REFRESH_INTERVAL_SECONDS: "1",
    },
  });
});
afterEach(() => {
  first.release();
  second.release();
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await first?.[Symbol.asyncDispose]();
  await second?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Headers = Record<string, string>;
const get = (path: string, headers: Headers = {}) => fetch(`${stack.url}${path}`, { headers });
const waiting = (count: number) =>
  eventually(async () => (await stack.status()).waiting.total).toBe(count);
const targets = (prefix: string) =>
  first.seen.map(({ target }) => target).filter((target) => target.startsWith(prefix));

/** Takes every slot, and resolves when the backend has them all. */
async function blockAll(): Promise<void> {
  for (let n = 0; n < WORKERS; n++) {
    get("/hold", { S7PPriorityKey: "hi" }).catch(() => {});
  }
  await eventually(() => first.held).toBe(WORKERS);
}

describe("who a caller is", () => {
  it("V07: may be left open where no profile is required", async () => {
    expect((await get("/v07")).status).toBe(200);
  });

  it("V09: is known by a profile that says nothing else", async () => {
    expect((await get("/v09", { "X-UserProfile": "bare" })).status).toBe(200);
  });

  it("V06: must be said where a profile is required", async () => {
    write("settings.json", { UserConfigRequired: "true" });
    await eventually(async () => (await get("/x")).status).toBe(403);
    const refused = await get("/v06");
    expect(await refused.json()).toMatchObject({ code: "profile-required" });
    expect(targets("/v06")).toEqual([]);
    write("settings.json", {});
    await eventually(async () => (await get("/x")).status).toBe(200);
  });

  it("lets those see decisions whose profile says so", async () => {
    const asked = { S7PDEBUG: "true" };
    const curious = await get("/debug", { ...asked, "X-UserProfile": "curious" });
    expect(JSON.parse(curious.headers.get("x-s7p-receipt") ?? "{}")).toMatchObject({
      attempts: [{ backend: "Host1", status: 200 }],
    });
    const bare = await get("/debug", { ...asked, "X-UserProfile": "bare" });
    expect(bare.headers.get("x-s7p-receipt")).toBeNull();
  });
});

describe("whose turn it is", () => {
  it("V21: goes by the profile's priority key, whatever the client sends", async () => {
    await blockAll();
    const queued = [get("/v21/other")];
    await waiting(1);
    queued.push(get("/v21/urgent", { "X-UserProfile": "urgent", S7PPriorityKey: "lo" }));
    await waiting(2);
    // One slot only: calls from two of them arrive in any order.
    first.releaseOne();
    await Promise.all(queued);
    expect(targets("/v21")).toEqual(["/v21/urgent", "/v21/other"]);
  });

  it("V23: is the more urgent class's, on a slot that is reserved for another one too", async () => {
    await blockAll();
    const low = get("/v23/lo", { S7PPriorityKey: "lo" });
    await waiting(1);
    const high = get("/v23/hi", { S7PPriorityKey: "hi" });
    await waiting(2);
    first.releaseOne();
    // What is reserved for class 2 may be used by class 1, whose call goes on: the other is for class 3 in its turn.
    expect([(await high).status, (await low).status]).toEqual([200, 200]);
    expect(targets("/v23")).toEqual(["/v23/hi", "/v23/lo"]);
  });
});

describe("what nobody may see who does not run the gateway", () => {
  it("V89: is the status of an instance", async () => {
    const missing = await get("/operations/status");
    expect(missing.status).toBe(401);
    expect(await missing.json()).toMatchObject({ code: "operator-key-missing" });
    const guessed = await get("/operations/status", { "x-operator-key": "guess" });
    expect(guessed.status).toBe(403);
    expect(await guessed.json()).toMatchObject({ code: "operator-key-refused" });
    const shown = await get("/operations/status", { "x-operator-key": OPERATOR_KEY });
    expect(shown.status).toBe(200);
    expect(await shown.text()).not.toContain(new URL(first.url).host);
  });

  it.each([
    "/admin/host/status",
    "/admin/functions",
    "/admin/host/systemkeys",
    "/runtime/webhooks/durabletask/instances",
    "/diagnostics",
    "/config",
    "/forcegc",
  ])("V89: is anything of the host's own: %s", async (path) => {
    const answer = await get(path);
    const isRefused = [401, 403, 404].includes(answer.status);
    // Every path is the backends' that no function of the gateway has.
    expect(isRefused || (await answer.text()) === "ok").toBe(true);
  });

  it("V89: are names of backends, in the answers to probes", async () => {
    for (const path of ["/health", "/liveness", "/readiness", "/startup"]) {
      const answer = await get(path);
      expect([answer.status, await answer.text()]).toEqual([200, "OK\n"]);
    }
  });
});

describe("V94: hosts that change while requests run", () => {
  const backend = async (label: string) =>
    (await stack.status()).backends.find((known) => known.label === label);
  const count = (change: number) =>
    eventually(async () => (await stack.status()).backends.length).toBe(change);

  it("keep what is known of them, and finish what they have", async () => {
    for (let n = 0; n < 4; n++) expect((await get("/broken")).status).toBe(500);
    const before = await backend("Host1");
    expect(before).toMatchObject({ breaker: "closed" });

    const [one, two] = [
      `host=${first.url};mode=direct`,
      `host=${second.url};mode=direct;path=/two`,
    ];
    write("settings.json", { Host1: one, Host2: two });
    await count(2);
    expect(await backend("Host1")).toMatchObject({ failureRate: before?.failureRate });
    const held = get("/two/hold");
    await eventually(() => second.seen.length).toBe(1);

    write("settings.json", { Host1: one });
    await count(1);
    expect((await get("/broken")).status).toBe(500);
    expect(await backend("Host1")).toMatchObject({ breaker: "open" });
    second.release();
    expect((await held).status).toBe(200);
  });
});
