import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Supervised } from "../../local/supervisor.ts";
import { partPid } from "../support/part-pid.ts";
import { until } from "../support/until.ts";

const exec = promisify(execFile);
const PATIENCE_MS = 50_000;

/** Waits for another process of the part than those that are known. */
function nextPid(known: ReadonlySet<number>): Promise<number> {
  const look = async (): Promise<number | undefined> => {
    const pid = await partPid(process.pid, "models");
    return pid === undefined || known.has(pid) ? undefined : pid;
  };
  return until(look, PATIENCE_MS, "The next start");
}

describe("a part of the stack", () => {
  it("shows nobody who lists processes what it was started with", async () => {
    const options = { port: 0, keys: { master: "sesame-of-this-test" } };
    const part = await Supervised.start("models", { options });
    try {
      const { stdout } = await exec("ps", ["-Ao", "pid=,args="]);
      const line = stdout.split("\n").find((text) => text.trim().startsWith(`${part.pid} `));
      expect(line).toContain("service-entry.ts models");
      expect(stdout).not.toContain(options.keys.master);
    } finally {
      await part.stop();
    }
  });

  it("is started again when it is killed, also while it is starting", async () => {
    const lines: string[] = [];
    const part = await Supervised.start("models", {
      options: { port: 0 },
      log: (line) => lines.push(line),
    });
    try {
      const killed = new Set([part.pid]);
      process.kill(part.pid, "SIGKILL");
      const starting = await nextPid(killed);
      process.kill(starting, "SIGKILL");
      killed.add(starting);
      const last = await nextPid(killed);
      await expect.poll(() => part.pid, { timeout: PATIENCE_MS }).toBe(last);
      expect(lines.filter((line) => line.includes("starting it again"))).toHaveLength(2);
    } finally {
      await part.stop();
    }
  });
});
