import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { durableDir } from "../../support/durable-dir.ts";
import { eventually } from "../../support/eventually.ts";

const ROOTS = 120;
const CHILD = join(import.meta.dirname, "fixtures", "crash-child.ts");

/** After how many of its 5 x 120 effects each process kills itself. */
const LIFETIMES = [1, 25, 90, 130, 150];

class Victim {
  origin = "";
  readonly died: Promise<unknown>;
  readonly #process: ChildProcess;

  constructor(folder: string, effects: number) {
    this.#process = fork(CHILD, [folder, String(effects)], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.died = once(this.#process, "exit");
    this.#process.on("message", ({ origin }: { origin: string }) => {
      this.origin = origin;
    });
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.died;
  }

  /** The answer's status and text; status 0 when the process died before it answered. */
  async call(method: string, path: string, json?: unknown): Promise<[number, string]> {
    try {
      const response = await fetch(`${this.origin}/runtime/webhooks/durabletask/${path}`, {
        method,
        headers: { "content-type": "application/json" },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      return [response.status, await response.text()];
    } catch {
      return [0, ""];
    }
  }
}

async function started(folder: string, effects = Number.POSITIVE_INFINITY): Promise<Victim> {
  const victim = new Victim(folder, effects);
  await eventually(() => victim.origin).not.toBe("");
  return victim;
}

/** Sends what is not acknowledged yet; whatever was acknowledged is never sent again. */
async function send(unacknowledged: Map<string, () => Promise<boolean>>): Promise<void> {
  const entries = [...unacknowledged];
  for (let at = 0; at < entries.length; at += 10) {
    await Promise.all(
      entries.slice(at, at + 10).map(async ([key, post]) => {
        if (await post()) unacknowledged.delete(key);
      }),
    );
  }
}

function posts(roots: readonly string[], victim: () => Victim) {
  const all = new Map<string, () => Promise<boolean>>();
  for (const id of roots) {
    all.set(`start ${id}`, async () => {
      const [status] = await victim().call("POST", `orchestrators/crashRoot/${id}`, id);
      // 409: it was stored, and the process died before it could say so.
      return status === 202 || status === 409;
    });
  }
  return all;
}

describe("an engine that is killed again and again", () => {
  it("brings all that it acknowledged to the right end", async () => {
    using dir = durableDir();
    const roots = Array.from({ length: ROOTS }, (_, n) => `root${n}`);
    let victim: Victim;
    const starts = posts(roots, () => victim);
    for (const effects of LIFETIMES) {
      victim = await started(dir.path, effects);
      await Promise.all([victim.died, send(starts)]);
    }
    victim = await started(dir.path);
    await send(starts);
    expect(starts.size).toBe(0);
    for (const id of roots) {
      const [status] = await victim.call("POST", `instances/${id}/raiseEvent/news`, `to ${id}`);
      expect(status).toBe(202);
    }
    await victim.kill();
    victim = await started(dir.path);

    for (const id of roots) {
      const isDone = async () => (await victim.call("GET", `instances/${id}`))[0];
      await eventually(isDone).toBe(200);
      const [, text] = await victim.call("GET", `instances/${id}`);
      expect(JSON.parse(text)).toMatchObject({
        runtimeStatus: "Completed",
        output: { left: `${id}-left`, right: `${id}-right`, retried: id, news: `to ${id}` },
      });
    }
    const all = JSON.parse((await victim.call("GET", "instances?top=1000"))[1]) as object[];
    expect(all.length).toBe(3 * ROOTS);
    expect(await victim.call("GET", "entities/Tally/roots")).toEqual([200, String(ROOTS)]);
    const effects = new Set(readFileSync(join(dir.path, "effects.log"), "utf8").split("\n"));
    const steps = ["start", "left-first", "left-second", "right-first", "right-second"];
    const missing = roots.flatMap((id) => steps.map((step) => `${id}-${step}`));
    expect(missing.filter((key) => !effects.has(key))).toEqual([]);
    await victim.kill();
  });
});
