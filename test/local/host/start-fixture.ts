import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChildService, startChild } from "../../../local/child-service.ts";
import type { HostOptions } from "../../../local/host/index.ts";

/** A fixture app, served by a host in a process of its own. */
export interface FixtureHost {
  readonly url: string;
  readonly child: ChildService;
  /** What the host printed, line by line. */
  readonly lines: string[];
  stop(): Promise<void>;
}

export interface FixtureOptions {
  options?: Partial<HostOptions>;
  env?: Record<string, string>;
}

/** Where a fixture app lies. */
export const fixtureDir = (name: string): string => join(import.meta.dirname, "fixtures", name);

/** Starts a host for a fixture app, with a data folder of its own that goes with it. */
export async function startFixture(
  name: string,
  { options = {}, env = {} }: FixtureOptions = {},
): Promise<FixtureHost> {
  const dataDir = mkdtempSync(join(tmpdir(), "host-"));
  const removeData = (): void => rmSync(dataDir, { recursive: true, force: true });
  const lines: string[] = [];
  try {
    const child = await startChild("host", {
      options: { port: 0, appDir: fixtureDir(name), dataDir, ...options },
      env: { ...process.env, ...env },
      log: (line) => lines.push(line),
    });
    const stop = async (): Promise<void> => {
      await child.stop();
      removeData();
    };
    return { url: child.facts.url, child, lines, stop };
  } catch (error) {
    removeData();
    throw error;
  }
}

const DEADLINE_MS = 50_000;

/** Waits until `check` gives something, and fails when it does not in time. */
export async function eventually<T>(
  check: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error("It did not happen in time.");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
