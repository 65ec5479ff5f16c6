import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type NamespaceDefinition, startBroker } from "../../../local/broker/index.ts";
import { StartError } from "../../../local/service.ts";

describe("starting the broker", () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "broker-start-"));
  });

  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  const start = (namespace: Partial<NamespaceDefinition> = {}, options = {}) =>
    startBroker({
      port: 0,
      dataDir,
      namespace: { queues: [], topics: [], ...namespace },
      ...options,
    });
  const refused = async (starting: Promise<unknown>, ...parts: string[]) => {
    const error = await starting.then(
      () => expect.fail("it started"),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    for (const part of parts) expect(String(error)).toContain(part);
  };

  it("names the port that is taken and the setting that changes it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await refused(start({}, { port }), String(port), "LOCAL_BROKER_PORT");
    server.close();
    await (await start({}, { port })).close();
  });

  it("names a database file that is corrupt", async () => {
    writeFileSync(
      join(dataDir, "broker.db"),
      "this is no database, however long it may be".repeat(99),
    );
    await refused(start(), join(dataDir, "broker.db"), "corrupt");
  });

  it("refuses a database of another version", async () => {
    const database = new DatabaseSync(join(dataDir, "broker.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    await refused(start(), "format 99");
  });

  it("refuses a database that another broker uses", async () => {
    const first = await start();
    await refused(start(), "Another broker");
    await first.close();
  });

  it("names a folder that it cannot make or use", async () => {
    const file = join(dataDir, "a-file");
    writeFileSync(file, "");
    await refused(start({}, { dataDir: join(file, "below") }), file, "LOCAL_DATA_DIR");
  });

  it.skipIf(process.getuid?.() === 0)("names a folder that it may not write", async () => {
    chmodSync(dataDir, 0o500);
    await refused(start(), dataDir, "LOCAL_DATA_DIR");
    chmodSync(dataDir, 0o700);
  });

  it("names a setting that Service Bus would refuse", async () => {
    const queues = [{ name: "q", lockDurationMs: 300_001 }];
    await refused(start({ queues }), 'lockDurationMs of "q"', "300000");
    await refused(start({ queues: [{ name: "q", maxDeliveryCount: 0 }] }), "maxDeliveryCount");
  });

  it("closes though a client has connected and said nothing", async () => {
    const broker = await start();
    const silent = connect(broker.port, "127.0.0.1");
    await once(silent, "connect");
    const closed = once(silent, "close");
    await broker.close();
    await closed;
  });

  it("refuses an entity that is defined twice", async () => {
    await refused(start({ queues: [{ name: "a" }, { name: "A" }] }), '"A"', "twice");
  });

  it("applies changed settings, and makes an empty entity anew for those that cannot change", async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    await (
      await start({ queues: [{ name: "q", lockDurationMs: 1_000 }, { name: "gone" }] })
    ).close();
    const queues = [{ name: "q", lockDurationMs: 2_000, requiresSession: true }];
    await (await start({ queues }, { log })).close();
    expect(lines).toEqual([
      "broker: made q anew, because its requiresSession changed",
      "broker: queue gone is no longer defined; what it holds stays in the database",
    ]);
  });

  it("closes cleanly, more than once, leaving one file without a log to replay", async () => {
    const broker = await start({ queues: [{ name: "q" }] });
    await Promise.all([broker.close(), broker.close()]);
    expect(readdirSync(dataDir)).toEqual(["broker.db"]);
    expect(broker.url).toBe(`amqp://127.0.0.1:${broker.port}`);
  });
});
