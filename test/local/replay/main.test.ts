import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeGateway, json } from "./fake-gateway.ts";

const MAIN = join(import.meta.dirname, "../../../local/replay/main.ts");

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("npm run replay", () => {
  let fake: FakeGateway;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    fake = new FakeGateway();
    await fake.listen();
  });

  afterEach(async () => {
    child?.kill("SIGKILL");
    await fake.close();
  });

  async function run(...args: string[]): Promise<Ended> {
    child = spawn(process.execPath, [MAIN, "--url", fake.url, "--limit", "9", ...args]);
    const { stdout, stderr } = child;
    if (!stdout || !stderr) throw new Error("The child has no output.");
    const closed = once(child, "close");
    const [out, err] = await Promise.all([text(stdout), text(stderr)]);
    const [code] = (await closed) as [number | null];
    return { code, stdout: out, stderr: err };
  }

  it("prints the tables to standard output and exits with 0 when all is answered", async () => {
    const { code, stdout, stderr } = await run("--speed", "5000");
    expect(stdout).toMatch(/^total +9 +9 +0 /m);
    expect(stdout).toMatch(/^wait of class/m);
    expect(stderr).toContain("Replaying up to 9 requests of a drawn trace");
    expect(code).toBe(0);
  });

  it("exits with 1 when anything failed", async () => {
    fake.answerWith(({ path }, response) => {
      if (path !== "/health") json(response, 500, { code: "internal", title: "Failed." });
      return path !== "/health";
    });
    const { code, stdout } = await run("--speed", "5000", "--mix", "queued=1");
    expect(stdout).toMatch(/^ {2}9 x 500 internal {2}request \d \(queued\): /m);
    expect(code).toBe(1);
  });

  it("prints what there is when it is interrupted", async () => {
    const ended = run("--speed", "0.001", "--mix", "queued=1");
    await vi.waitUntil(() => fake.chats.length === 1, { timeout: 30_000 });
    child?.kill("SIGINT");
    const { code, stdout } = await ended;
    expect(stdout).toMatch(/^total +1 /m);
    expect(code).toBe(0);
  });

  it("says what to mend, without a stack, when it cannot start", async () => {
    const missing = await run("--trace", "/nowhere/trace.csv");
    expect(missing.stderr).toMatch(/^The trace \/nowhere\/trace.csv cannot be read \(ENOENT\)\./);
    expect(missing.stderr.trim().split("\n")).toHaveLength(1);
    expect(missing.code).toBe(1);
    const help = await run("--help");
    expect(help.stdout).toMatch(/^Usage: npm run replay/);
    expect(help.code).toBe(0);
  });
});
