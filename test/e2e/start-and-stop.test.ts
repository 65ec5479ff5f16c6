import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { failedStart, makeDataDir, startStack } from "../support/stack.ts";

describe("starting the stack", () => {
  it("prints ready, answers, and ends with 0 on SIGTERM", async () => {
    await using stack = await startStack();
    expect((await fetch(`${stack.url}/readiness`)).status).toBe(200);
    expect(await stack.stop("SIGTERM")).toBe(0);
  });

  it("names every malformed setting at once, before anything listens", async () => {
    const { code, output } = await failedStart({
      Workers: "many",
      DefaultTTLSecs: "-5",
      PriorityKeys: "a,b,c",
      GATEWAY_ROLE: "job",
      Host1: "host=ftp://nowhere;colour=blue",
    });
    expect(code).toBe(1);
    expect(output).toContain("Workers");
    expect(output).toContain("DefaultTTLSecs");
    expect(output).toContain("colour");
    expect(output).toContain('GATEWAY_ROLE: expected one of stream, jobs, all, got "job"');
    expect(output).not.toContain("ready");
  });

  it("names a port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await new Promise((resolve) => taken.once("listening", resolve));
    const address = taken.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    const { code, output } = await failedStart({ PORT: port });
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is taken`);
    expect(output).toContain("set PORT");
  });

  it("names a data folder that is in use", async () => {
    await using stack = await startStack();
    const { code, output } = await failedStart({ LOCAL_DATA_DIR: stack.dataDir });
    expect(code).toBe(1);
    expect(output).toContain(stack.dataDir);
    expect(output).toMatch(/in use/);
  });

  it.each(["broker", "host", "storage"])("names a corrupt database of the %s", async (part) => {
    const dataDir = makeDataDir();
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const first = await startStack({ dataDir });
    await first.stop();
    corruptDatabases(join(dataDir, part));
    const { code, output } = await failedStart({ LOCAL_DATA_DIR: dataDir });
    expect(code).toBe(1);
    expect(output).toContain(join(dataDir, part));
  });

  it("names a data folder that cannot be one", async () => {
    const dataDir = makeDataDir();
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const file = join(dataDir, "a-file");
    writeFileSync(file, "");
    const { code, output } = await failedStart({ LOCAL_DATA_DIR: file });
    expect(code).toBe(1);
    expect(output).toContain(file);
  });
});

function corruptDatabases(folder: string): void {
  const databases = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(db|sqlite)$/.test(name),
  );
  expect(databases).not.toEqual([]);
  for (const name of databases) {
    rmSync(join(folder, `${name}-wal`), { force: true });
    rmSync(join(folder, `${name}-shm`), { force: true });
    writeFileSync(join(folder, name), "this is not a database, and never was one\n".repeat(200));
  }
}
