import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type FixtureHost, fixtureDir, startFixture } from "./start-fixture.ts";

const KEYS = { master: "master-key", host: ["host-key"], functions: { hello: "hello-key" } };

describe("an ES module app with hooks", () => {
  const folder = mkdtempSync(join(tmpdir(), "lifecycle-"));
  const notes = join(folder, "notes");
  let host: FixtureHost;

  beforeAll(async () => {
    host = await startFixture("lifecycle", {
      options: { keys: KEYS, settings: { GREETING: "from the options" } },
      env: { NOTES: notes },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${host.url}${path}`, { headers });

  it("asks for a key where the function wants one", async () => {
    const statuses = [];
    for (const headers of [
      {},
      { "x-functions-key": "wrong" },
      { "x-functions-key": "hello-key" },
    ]) {
      statuses.push((await get("/api/hello", headers as Record<string, string>)).status);
    }
    for (const key of ["host-key", "master-key", "hello-key"]) {
      statuses.push((await get(`/api/hello?code=${key}`)).status);
    }
    statuses.push((await get("/api/hello?code=master-key", { "x-functions-key": "wrong" })).status);
    expect(statuses).toEqual([401, 401, 200, 200, 200, 200, 401]);
    expect((await get("/api/hooked")).status).toBe(202);
    expect((await get("/admin/host/status", { "x-functions-key": "host-key" })).status).toBe(401);
  });

  it("has its settings and the platform's variables before it loads", async () => {
    const hello = await (await get("/api/hello?code=host-key")).json();
    expect(hello).toMatchObject({
      greeting: "from the options",
      onlyFile: "file",
      host: new URL(host.url).host,
      root: fixtureDir("lifecycle"),
    });
    expect(readFileSync(notes, "utf8")).toBe("appStart in Development\n");
  });

  it("may change handler, result and log lines in its hooks", async () => {
    const response = await get("/api/hooked");
    expect([response.status, response.headers.get("x-hooks"), await response.text()]).toEqual([
      202,
      "true",
      "hooked",
    ]);
    await eventually(() => host.lines.find((line) => line === "[hooked] [redacted] hooked"));
    expect(host.lines.join("\n")).not.toContain("secret");
  });

  it("serves neither disabled functions nor those that host.json does not list", async () => {
    expect([(await get("/api/off")).status, (await get("/api/notListed")).status]).toEqual([
      404, 404,
    ]);
  });

  it("answers the origins that local.settings.json allows", async () => {
    const origin = "https://portal.example";
    const preflight = await fetch(`${host.url}/api/hello`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "GET" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([
      204,
      origin,
    ]);
    const other = await get("/api/hooked", { origin: "https://other.example" });
    expect(other.headers.has("access-control-allow-origin")).toBe(false);
  });

  it("runs timers by hand, and tells of itself and its functions, to whoever has the master key", async () => {
    const admin = (path: string, init: RequestInit = {}) =>
      fetch(`${host.url}/admin/${path}`, { ...init, headers: { "x-functions-key": KEYS.master } });
    expect((await admin("host/ping", { method: "POST" })).status).toBe(200);
    expect(await (await admin("host/status")).json()).toMatchObject({ state: "Running" });
    const functions = (await (await admin("functions")).json()) as {
      name: string;
      isDisabled: boolean;
    }[];
    expect(functions.map(({ name, isDisabled }) => [name, isDisabled])).toEqual([
      ["hello", false],
      ["hooked", false],
      ["slow", false],
      ["off", true],
      ["tick", false],
    ]);
    const run = await admin("functions/tick", { method: "POST", body: '{"input":""}' });
    expect(run.status).toBe(202);
    const ticks = await eventually(async () => {
      const hello = (await (await get("/api/hello?code=host-key")).json()) as { ticks: unknown[] };
      return hello.ticks.length > 0 ? hello.ticks : undefined;
    });
    expect(ticks).toEqual([
      {
        timer: { schedule: { adjustForDST: true }, scheduleStatus: null, isPastDue: false },
        metadata: null,
      },
    ]);
    expect((await admin("functions/hello", { method: "POST", body: "{}" })).status).toBe(400);
    expect((await admin("functions/nothing")).status).toBe(404);
    expect((await admin("elsewhere")).status).toBe(404);
  });

  it("ends what runs, refuses what is new, runs its appTerminate hooks and exits", async () => {
    const running = get("/api/slow").then((response) => response.text());
    await eventually(() => existsSync(`${notes}.began`) || undefined);
    const stopped = host.stop();
    const refused = await eventually(async () => {
      const response = await get("/api/hooked");
      return response.status === 503 ? response : undefined;
    });
    expect(refused.headers.get("connection")).toBe("close");
    expect(refused.headers.get("retry-after")).toBe("5");
    writeFileSync(`${notes}.release`, "");
    expect(await running).toBe("done");
    await stopped;
    expect(await host.child.exited).toBe(0);
    expect(readFileSync(notes, "utf8")).toBe("appStart in Development\nappTerminate\n");
  });
});

describe("a host that nobody uses", () => {
  it.each([{ httpMode: "bypass" as const }, { httpMode: "proxy" as const }])(
    "leaves nothing behind that holds the process: $httpMode",
    async ({ httpMode }) => {
      const host = await startFixture("echo", { options: { httpMode } });
      await (await fetch(`${host.url}/api/echo/x`)).text();
      await host.stop();
      expect(await host.child.exited).toBe(0);
      await expect(fetch(host.url)).rejects.toThrow();
    },
  );
});
