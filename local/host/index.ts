import type { Clock } from "../../shared/core/clock.ts";
import { type LocalLog, NotEmulatedError, type RunningService } from "../service.ts";

export interface HostOptions {
  /** HTTP port on 127.0.0.1; 0 takes a free one. */
  port: number;
  /** The function app: the folder with package.json (`main`), host.json and local.settings.json. */
  appDir: string;
  /** Folder for what the host must remember: the Durable store, timer schedules. */
  dataDir: string;
  /** App settings. They win over local.settings.json and lose to variables already in the environment. */
  settings?: Readonly<Record<string, string>>;
  clock?: Clock;
  log?: LocalLog;
}

/**
 * Loads the app and serves its triggers. One host a process: it patches module loading and the
 * environment. Fails with a `StartError` that names what the user must mend.
 */
export function startHost(_options: HostOptions): Promise<RunningService> {
  return Promise.reject(new NotEmulatedError("the Functions host"));
}
