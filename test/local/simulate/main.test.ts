import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MAIN = join(import.meta.dirname, "../../../local/simulate/main.ts");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("npm run simulate", () => {
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "simulate-"));
    const hosts = {
      Host1: "host=https://ptu.test;mode=direct;tier=ptu",
      Host2: "host=https://paygo.test;mode=direct;tier=paygo",
    };
    await write("now.json", { Values: { ...hosts, AzureWebJobsStorage: "none" } });
    await write("never.json", { ...hosts, DefaultTTLSecs: 20, GATEWAY_ROUTING_SPILL: "*=never" });
    await write("backends.json", { Host1: { tokensPerMinute: 5000 } });
    const row = (second: number) =>
      `2026-01-05 09:00:${String(second).padStart(2, "0")},900,50,ann,${(second % 3) + 1}`;
    const rows = Array.from({ length: 40 }, (_, second) => row(second));
    const header = "TIMESTAMP,ContextTokens,GeneratedTokens,UserId,PriorityClass";
    await writeFile(join(folder, "trace.csv"), [header, ...rows].join("\n"));
  });

  afterAll(() => rm(folder, { recursive: true }));

  const write = (name: string, value: unknown) =>
    writeFile(join(folder, name), JSON.stringify(value));

  const run = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      execFile(process.execPath, [MAIN, ...args], { cwd: folder }, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), stdout, stderr });
      });
    });

  it("prints two policies and what differs, and writes them as JSON", async () => {
    const files = ["--trace", "trace.csv", "--backends", "backends.json", "--json", "out.json"];
    const { code, stdout, stderr } = await run(
      ...["--settings", "now.json", "--settings", "never.json", ...files],
    );
    expect(stderr).toMatch(/^now\.json: 40 requests of trace\.csv/m);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^class +arrived +answered/m);
    expect(stdout).toMatch(/^Host1 +1 /m);
    expect(stdout).toMatch(/^ +now\.json +never\.json +difference$/m);
    const [now, never] = JSON.parse(await readFile(join(folder, "out.json"), "utf8"));
    expect(now.all).toMatchObject({ arrived: 40, answered: 40 });
    expect(now.all.spilled.requests).toBeGreaterThan(0);
    expect(never.all.spilled.requests).toBe(0);
    const lost = 40 - never.all.answered;
    expect(lost).toBeGreaterThan(0);
    expect(stdout).toMatch(new RegExp(`^all answered +40 +${40 - lost} +-${lost}$`, "m"));
  });

  it("names what is wrong with its files, and exits with 1", async () => {
    await writeFile(join(folder, "bad.csv"), "TIMESTAMP,ContextTokens,GeneratedTokens\nnoon,1,2\n");
    const { code, stdout, stderr } = await run("--trace", "bad.csv", "--settings", "now.json");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain('bad.csv, line 2: TIMESTAMP is "noon"');
    expect(stderr).not.toContain(" at ");
  });
});
