import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StatementSync } from "node:sqlite";
import { expect, it, onTestFinished, vi } from "vitest";
import { startBroker } from "../../../local/broker/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const PERIOD_MS = 30_000;

it("a broker that cannot write says so, needs a new start, and can be closed until then", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "broker-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const [clock, lines] = [new FakeClock(), [] as string[]];
  const log = (line: string): void => void lines.push(line);
  const namespace = { queues: [{ name: "q", requiresDuplicateDetection: true }], topics: [] };
  const options = { port: 0, dataDir, namespace };
  const broker = await startBroker({ ...options, clock, log });
  const original = StatementSync.prototype.run;
  const run = vi.spyOn(StatementSync.prototype, "run").mockImplementation(function (
    this: StatementSync,
    ...values
  ) {
    if (this.sourceSQL === "COMMIT") throw new Error("database or disk is full");
    return original.apply(this, values);
  });
  onTestFinished(() => run.mockRestore());
  // It forgets old ids from time to time, which is a write.
  await clock.advance(PERIOD_MS);
  await broker.broken;
  run.mockRestore();
  expect(lines).toEqual([
    "broker: cannot write its database (database or disk is full); it stops, and is started again",
  ]);
  await broker.close();
  await (await startBroker(options)).close();
});
