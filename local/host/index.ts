import type { Clock } from "../../shared/core/clock.ts";
import type { LocalLog, RunningService } from "../service.ts";
import type { HostKeys } from "./http/keys.ts";
import { runHost } from "./run-host.ts";

export interface HostOptions {
  /** HTTP port on 127.0.0.1; 0 takes a free one. Default: local.settings.json, then 7071. */
  port?: number;
  /** The function app: the folder with package.json (`main`), host.json and local.settings.json. */
  appDir: string;
  /** Folder for what the host must remember: the Durable store, timer schedules. */
  dataDir: string;
  /** Folder that all hosts of the app share: which of them runs its timers, and when they ran. */
  sharedDir?: string;
  /** The Durable engine of several hosts; without it the host has an engine of its own. */
  durableHub?: { url: string; key: string };
  /** App settings. They win over local.settings.json and lose to variables already in the environment. */
  settings?: Readonly<Record<string, string>>;
  /** Access keys to enforce. Default: none, every call is let in, as Core Tools does. */
  keys?: HostKeys;
  /** How bodies stream: straight to the library, or over a second TCP hop. Default: `bypass`. */
  httpMode?: "bypass" | "proxy";
  /** How long closing waits for what runs. Default: 30,000 ms. */
  closeGraceMs?: number;
  clock?: Clock;
  log?: LocalLog;
}

/**
 * Loads the app and serves its triggers. One host a process: it patches module loading and the
 * environment. Fails with a `StartError` that names what the user must mend.
 */
export function startHost(options: HostOptions): Promise<RunningService> {
  return runHost(options);
}
