import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { compareUse } from "../../../local/reconcile/compare-use.ts";
import { LogReader } from "../../../local/reconcile/log-reader.ts";
import { startServer } from "../../support/http-server.ts";

const HOUR_MS = 3_600_000;
const noted = (id: string, change: object = {}): string =>
  JSON.stringify({
    event: "usage.noted",
    level: "info",
    id,
    kind: "answer",
    endedAt: HOUR_MS,
    user: "ann",
    model: "m",
    tokens: { totalTokens: 10 },
    ...change,
  });

describe("LogReader", () => {
  it("reads the answers of a span, each once, whatever else is in the log", () => {
    const log = new LogReader({ fromAt: HOUR_MS, beforeAt: 2 * HOUR_MS });
    const lines = [
      "ready http://127.0.0.1",
      `[gateway] ${noted("a")}`,
      noted("a"),
      noted("b", { kind: "attempt" }),
      noted("c", { endedAt: HOUR_MS - 1 }),
      noted("d", { endedAt: 2 * HOUR_MS }),
      noted("e", { model: undefined, tokens: undefined }),
      '{"event":"usage.noted"',
    ];
    for (const line of lines) log.read(line);
    expect(log.uses).toEqual([
      { user: "ann", model: "m", answers: 1, totalTokens: 10 },
      { user: "ann", model: "", answers: 1, totalTokens: 0 },
    ]);
  });
});

describe("LogReader, of work in the background", () => {
  it("counts it once, for whom it began", () => {
    const log = new LogReader({ fromAt: HOUR_MS, beforeAt: 2 * HOUR_MS });
    const none = { tokens: undefined, work: "w" };
    log.read(noted("begun-w", none));
    for (const user of ["bob", "cy"]) log.read(noted("background-w", { user, work: "w" }));
    expect(log.uses.map(({ user, totalTokens }) => [user, totalTokens])).toEqual([
      ["ann", 0],
      ["ann", 10],
    ]);
  });
});

describe("compareUse", () => {
  const use = (user: string, answers: number, totalTokens: number) => ({
    user,
    model: "m",
    answers,
    totalTokens,
  });

  it("tells by user and model what is too much, too little, missing, and counted otherwise", () => {
    const ledger = [use("a", 1, 10), use("a", 1, 10), use("b", 1, 12), use("c", 1, 5)];
    const log = [use("a", 2, 20), use("b", 1, 10), use("d", 1, 5), use("c", 2, 5)];
    const found = compareUse(ledger, log).map(({ user, error }) => [user, error]);
    expect(found).toEqual([
      ["a", 0],
      ["b", 0.2],
      ["c", 1],
      ["d", -1],
    ]);
  });
});

describe("npm run reconcile", () => {
  async function reconcile(totalTokens: number) {
    const asked: string[] = [];
    const server = await startServer((request, response) => {
      asked.push(`${request.headers["x-operator-key"]} ${request.url}`);
      const row = { user: "ann", model: "m", answers: 1, totalTokens };
      response.end(JSON.stringify({ rows: [row] }));
    });
    const folder = mkdtempSync(join(tmpdir(), "reconcile-"));
    onTestFinished(async () => {
      rmSync(folder, { recursive: true });
      await server[Symbol.asyncDispose]();
    });
    const file = join(folder, "log");
    writeFileSync(file, `${noted("a")}\n`);
    const span = ["--from", "1970-01-01T01:00:00Z", "--to", "1970-01-01T02:00:00Z"];
    const options = [...span, "--url", server.origin, "--key", "secret", file];
    const child = spawn(process.execPath, ["local/reconcile/main.ts", ...options]);
    const [output, code] = await Promise.all([
      text(child.stdout),
      new Promise((resolve) => child.once("close", resolve)),
    ]);
    return { output, code, asked };
  }

  it("ends with 0 where the ledger and the log are the same", async () => {
    const { output, code, asked } = await reconcile(10);
    expect(code).toBe(0);
    expect(output).toMatch(/^all\s+10\s+10\s+1\s+1\s+0\.00 %$/m);
    expect(output).not.toContain("ann");
    expect(asked).toEqual([
      expect.stringMatching(/^secret \/usage\?from=1970.*group=user%2Cmodel/),
    ]);
  });

  it("prints by whom they differ, and by how much, and ends with 1", async () => {
    const { output, code } = await reconcile(11);
    expect(code).toBe(1);
    expect(output).toMatch(/^ann\s+m\s+11\s+10\s+1\s+1\s+10\.00 %$/m);
  });
});
