import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartError } from "../../../local/service.ts";
import { startStorage } from "../../../local/storage/index.ts";

describe("starting local storage where it cannot", () => {
  let dataDir: string;
  let journalPath: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "storage-start-"));
    journalPath = join(dataDir, "storage.sqlite");
  });

  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  const startProblem = async (port = 0, dir = dataDir): Promise<string> => {
    const problem = await startStorage({ port, dataDir: dir }).then(
      (storage) => storage.close().then(() => "it started"),
      (error: unknown) => error,
    );
    if (problem instanceof StartError) return problem.message;
    throw new Error(`not a StartError: ${problem}`);
  };

  it.each([
    [0, "blobs"],
    [1, "queues"],
    [2, "tables"],
  ])("names the taken port at +%i, and frees what it had opened", async (offset, what) => {
    const port = await threeFreePorts();
    const blocker = await listenOn(port + offset);
    try {
      const message = await startProblem(port);
      expect(message).toContain(`Port ${port + offset}`);
      expect(message).toContain(what);
      expect(message).toContain("LOCAL_STORAGE_PORT");
    } finally {
      await closed(blocker);
    }
    await (await startStorage({ port, dataDir })).close();
  });

  it("names a port that does not exist", async () => {
    expect(await startProblem(65_535)).toContain("Port 65536");
  });

  it("names a data folder that cannot be made", async () => {
    const file = join(dataDir, "a-file");
    writeFileSync(file, "");
    expect(await startProblem(0, join(file, "below"))).toContain(join(file, "below"));
  });

  it("refuses a folder that another stack uses, and takes it when that has stopped", async () => {
    const first = await startStorage({ port: 0, dataDir });
    const message = await startProblem();
    expect(message).toContain(journalPath);
    expect(message).toContain("in use");
    await first.close();
    await (await startStorage({ port: 0, dataDir })).close();
  });

  it("names a database that is not one", async () => {
    writeFileSync(journalPath, "no database, but long enough to be looked at ".repeat(100));
    expect(await startProblem()).toContain(journalPath);
  });

  it("names a database whose documents are damaged", async () => {
    await (await startStorage({ port: 0, dataDir })).close();
    const database = new DatabaseSync(journalPath);
    database.exec("INSERT INTO documents (collection, id, body) VALUES (1, 1, x'00')");
    database.close();
    const message = await startProblem();
    expect(message).toContain(journalPath);
    expect(message).toContain("cannot be read");
  });

  it("refuses a database of another format and says which", async () => {
    const database = new DatabaseSync(journalPath);
    database.exec("PRAGMA user_version = 999");
    database.close();
    expect(await startProblem()).toContain("format 999");
  });
});

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  return server;
}

async function threeFreePorts(): Promise<number> {
  for (;;) {
    const probe = await listenOn(0);
    const address = probe.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const others = await Promise.allSettled([listenOn(port + 1), listenOn(port + 2)]);
    await closed(probe);
    for (const other of others) if (other.status === "fulfilled") await closed(other.value);
    if (others.every((other) => other.status === "fulfilled")) return port;
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
