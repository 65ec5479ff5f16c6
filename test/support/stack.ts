import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InstanceStatus } from "../../shared/gateway/index.ts";
import { type AppUrls, openFrontDoor } from "./front-door.ts";
import { hasProcesses } from "./process-group.ts";
import { packagesUnderTest } from "./shape.ts";
import { until } from "./until.ts";

/** The operators' key of every stack that names none. */
export const OPERATOR_KEY = "operator-of-the-tests";

const END_MS = 60_000;

const ROOT = join(import.meta.dirname, "..", "..");
// A stack without a host (`LOCAL_HOST=none`) has no URL.
const READY = /^ready(?: (http:\/\/\S+)|, without a host)$/m;

/** A stack as a user runs it: a process of its own that prints `ready`. */
export interface TestStack extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  /** Of the process that keeps the parts alive. */
  readonly pid: number;
  /** Everything it printed so far, both streams. */
  output(): string;
  /** Where its apps listen, when it has roles. */
  apps(): AppUrls;
  /** What its operators see. */
  status(): Promise<InstanceStatus>;
  /** Ends it; resolves with the exit code, or the signal's name. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
  /** kill -9 of the stack and of every process it started, at once. */
  crash(): Promise<void>;
}

export interface StackOptions {
  env?: Readonly<Record<string, string>>;
  /** Reuse the folder of an earlier stack. */
  dataDir?: string;
}

/** Starts `npm start`'s own entry point on free ports; rejects with its output when it ends instead. */
export async function startStack({ env = {}, dataDir }: StackOptions = {}): Promise<TestStack> {
  const folder = dataDir ?? makeDataDir();
  const packages = packagesUnderTest(env);
  const roles = packages && { LOCAL_ROLES: "stream,jobs,jobs", LOCAL_PACKAGES: packages };
  const stack = launch({ LOCAL_DATA_DIR: folder, ...roles, ...env });
  const readyUrl = await stack.ready;
  const isQueued = /queued|auto/.test(env["GATEWAY_SYNC_MODE"] ?? "");
  const door = packages
    ? await openFrontDoor({ apps: appUrls(stack.output()), isQueued })
    : undefined;
  const url = door?.origin ?? readyUrl;
  return {
    url,
    apps: () => appUrls(stack.output()),
    dataDir: folder,
    pid: stack.pid,
    output: stack.output,
    status: () => statusOf(url),
    async stop(signal = "SIGTERM") {
      const how = await stack.end(signal);
      await door?.[Symbol.asyncDispose]();
      return how;
    },
    async crash() {
      await stack.end("SIGKILL");
      await door?.[Symbol.asyncDispose]();
      // A killed process ends when it is next given the processor; until then it holds its ports.
      await until(async () => !(await hasProcesses(stack.pid)) || undefined, END_MS, "The end");
    },
    async [Symbol.asyncDispose]() {
      await stack.end("SIGTERM");
      await door?.[Symbol.asyncDispose]();
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A start that is expected to fail: its exit code and everything it printed. */
export async function failedStart(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | string; output: string }> {
  const folder = makeDataDir();
  const stack = launch({ LOCAL_DATA_DIR: folder, ...env });
  stack.ready.catch(() => {});
  const code = await stack.exited;
  rmSync(folder, { recursive: true, force: true });
  return { code, output: stack.output() };
}

/** An empty folder for a stack's data. */
export function makeDataDir(): string {
  return mkdtempSync(join(tmpdir(), "gateway-stack-"));
}

/** What a stack with roles prints of its hosts. */
function appUrls(output: string): AppUrls {
  const urlsOf = (host: RegExp): string[] =>
    [...output.matchAll(/^([\w-]+) (http:\/\/\S+)$/gm)].flatMap(([, name = "", url = ""]) =>
      host.test(name) ? [url] : [],
    );
  const [stream] = urlsOf(/^stream$/);
  const jobs = urlsOf(/^jobs(?:-\d+)?$/);
  if (stream === undefined || jobs.length === 0) throw new Error(`There are no roles:\n${output}`);
  return { stream, jobs };
}

async function statusOf(url: string): Promise<InstanceStatus> {
  const response = await fetch(`${url}/operations/status`, {
    headers: { "x-operator-key": OPERATOR_KEY },
  });
  if (response.status !== 200) throw new Error(`The status was ${response.status}.`);
  return (await response.json()) as InstanceStatus;
}

const FREE_PORTS = {
  PORT: "0",
  LOCAL_BROKER_PORT: "0",
  LOCAL_STORAGE_PORT: "0",
  LOCAL_MODELS_PORT: "0",
};

function launch(env: Readonly<Record<string, string>>) {
  // A group of its own, so that a crash can take the children along in one signal.
  const child = spawn(process.execPath, ["local/main.ts"], {
    cwd: ROOT,
    env: {
      ...withoutStackVariables(process.env),
      ...FREE_PORTS,
      OperatorKeys: OPERATOR_KEY,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  const exited = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  const ready = new Promise<string>((resolve, reject) => {
    const onText = (chunk: Buffer): void => {
      text += chunk.toString();
      const ready = READY.exec(text);
      if (ready) resolve(ready[1] ?? "");
    };
    child.stdout.on("data", onText);
    child.stderr.on("data", onText);
    exited.then((how) => reject(new Error(`The stack ended (${how}):\n${text}`)), reject);
  });
  return {
    ready,
    exited,
    pid: child.pid ?? 0,
    output: () => text,
    end: (signal: NodeJS.Signals) => end(child, exited, signal),
  };
}

async function end(
  child: ChildProcess,
  exited: Promise<number | string>,
  signal: NodeJS.Signals,
): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    // A drain goes to the stack alone; a crash takes the whole group.
    process.kill(signal === "SIGKILL" ? -child.pid : child.pid, signal);
  }
  return exited;
}

/** The test's own environment must not configure the stack under test. */
function withoutStackVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign =
    /^(Host\d+|GATEWAY_.*|LOCAL_.*|AzureWebJobs.*|ServiceBusConnection.*|PORT|VITEST.*)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));
}
