import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import {
  type LocalLog,
  type ServiceMessage,
  type ServiceName,
  STOP_ORDER,
  StartError,
} from "./service.ts";

/** A part of the stack that runs in a child process. */
export interface ChildService {
  readonly name: ServiceName;
  readonly pid: number;
  /** What the service said of itself when it was ready. */
  readonly facts: { url: string } & Record<string, unknown>;
  /** Resolves when the process is gone, with its exit code or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Lets it drain and end; with SIGKILL it crashes, which every part must survive. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ChildServiceOptions {
  /** The service's options, without functions: they cross a process boundary as JSON. */
  options: object;
  env?: NodeJS.ProcessEnv;
  log?: LocalLog;
}

const ENTRY = join(import.meta.dirname, "service-entry.ts");

/**
 * How node runs the app, here as in Azure (infra/main.bicep). A semi-space of 16 MB is what Node 22 has by
 * itself; Node 24 doubles it, which costs 50 to 70 MB under load and saves less time than could be measured.
 */
export const APP_NODE_OPTIONS = ["--enable-source-maps", "--max-semi-space-size=16"];

const nodeOptionsOf = (name: ServiceName): string[] => [
  ...(name === "host" ? APP_NODE_OPTIONS : ["--enable-source-maps"]),
  "--disable-warning=ExperimentalWarning",
];

// Types are stripped and code is compiled once, not at each start of each part.
const COMPILE_CACHE = join(import.meta.dirname, "..", ".local", "compile-cache");

/** Starts a part of the stack in a process of its own; rejects with the `StartError` it reported. */
export function startChild(
  name: ServiceName,
  { options, env = process.env, log = () => {} }: ChildServiceOptions,
): Promise<ChildService> {
  const child = fork(ENTRY, [name, placeOf(options)], {
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
    execArgv: nodeOptionsOf(name),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  // A child that is gone already is noticed by its exit.
  child.send(options, () => {});
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal ?? 1));
  });
  return new Promise((resolve, reject) => {
    child.on("message", (message: ServiceMessage) => {
      if (message.type === "log") log(message.line);
      if (message.type === "failed") reject(new StartError(message.message));
      if (message.type === "ready") resolve(childService(name, child, exited, message.facts));
    });
    child.once("error", reject);
    exited.then((how) => reject(new StartError(`${name} ended while starting (${how}).`)), reject);
  });
}

/** What lists of processes show of a part. They are everybody's to read, so nothing that may hold a key. */
function placeOf(options: { port?: unknown; dataDir?: unknown }): string {
  const { port, dataDir } = options;
  return JSON.stringify({ port, dataDir });
}

function childService(
  name: ServiceName,
  child: ChildProcess,
  exited: Promise<number | NodeJS.Signals>,
  facts: ChildService["facts"],
): ChildService {
  return {
    name,
    pid: child.pid ?? 0,
    facts,
    exited,
    async stop(signal) {
      if (signal !== undefined || !child.connected) child.kill(signal ?? "SIGKILL");
      else child.send(STOP_ORDER, () => {});
      await exited;
    },
  };
}
