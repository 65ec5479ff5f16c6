import { type Clock, systemClock } from "../../shared/core/clock.ts";
import {
  type DurableEngine,
  type DurableFunctions,
  joinHub,
  startDurable,
} from "../durable/index.ts";
import { type RunningService, StartError } from "../service.ts";
import { createClientInputs, usesDurable } from "./app/durable-bindings.ts";
import { sortFunctions } from "./app/sort-functions.ts";
import { startApp } from "./app/start-app.ts";
import { Closers } from "./closers.ts";
import { applyPlatformVariables } from "./config/environment.ts";
import type { HostConfig } from "./config/host-schema.ts";
import { loadConfig } from "./config/load-config.ts";
import { createDurableFunctions } from "./durable/durable-functions.ts";
import { createHttpSide } from "./http/create-http-side.ts";
import { listen } from "./http/public-server.ts";
import type { HostOptions } from "./index.ts";
import { createHostLog } from "./invocation/host-log.ts";
import { Invoker } from "./invocation/invoker.ts";
import { reservePort } from "./port-reservation.ts";
import { TimerLease } from "./timers/timer-lease.ts";
import type { TriggerListener } from "./trigger-listener.ts";
import { createTriggers } from "./triggers.ts";

const DEFAULT_PORT = 7071; // what `func start` listens on
const DEFAULT_CLOSE_GRACE_MS = 30_000;
const TERMINATE_HOOKS_DEADLINE_MS = 10_000;

/** Starts a host; whatever was begun is undone when a later step fails. */
export async function runHost(options: HostOptions): Promise<RunningService> {
  const closers = new Closers();
  try {
    return await start(options, closers);
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

async function start(options: HostOptions, closers: Closers): Promise<RunningService> {
  const { closeGraceMs = DEFAULT_CLOSE_GRACE_MS } = options;
  const prepared = await prepare(options, closers);
  const parts = await assemble(options, prepared, closers);
  const { http, triggers } = parts;
  refuse(options.appDir, [...prepared.problems, ...http.problems, ...triggers.problems]);
  await listen(http.server, prepared.reservation);
  if (usesDurable(prepared.functions)) {
    await startEngine(options, prepared, parts);
    closers.add(() => parts.durable.engine?.close());
  }
  closers.add(async () => {
    const [isDrained] = await Promise.all([
      http.drain(closeGraceMs),
      stopAll(triggers.listeners, closeGraceMs),
    ]);
    if (isDrained) return;
    prepared.log.system("warning", `HTTP calls outlasted the grace of ${closeGraceMs} ms`);
  });
  await Promise.all(triggers.listeners.map((listener) => listener.start()));
  http.open();
  return { url: prepared.origin, close: () => closers.close() };
}

/** The host's parts, put together. Nothing listens yet, and there is no engine before the host does. */
async function assemble(options: HostOptions, prepared: Prepared, closers: Closers) {
  const { dataDir, sharedDir, clock = systemClock } = options;
  const { config, app, functions, log, origin } = prepared;
  const durable: { engine: DurableEngine | undefined } = { engine: undefined };
  const extraInputs = createClientInputs(() => durable.engine?.clientBinding() ?? "{}");
  const timerLease = sharedDir === undefined ? undefined : new TimerLease(sharedDir, clock);
  closers.add(() => timerLease?.release());
  const triggers = createTriggers({
    functions,
    config: config.host,
    environment: process.env,
    dataDir: sharedDir ?? dataDir,
    timerLease,
    clock,
    log,
    invoker: () => invoker,
    extraInputs,
  });
  closers.add(() => terminate(app.hooks, clock));
  closers.add(() => triggers.closeServices());
  const invoker = new Invoker({
    model: app.model,
    hooks: app.hooks,
    log,
    clock,
    functionTimeoutMs: config.host.functionTimeout,
    outputs: triggers.outputs,
  });
  const http = await createHttpSide({
    ...{ options, config, functions, invoker, log, clock, origin, extraInputs },
    httpUri: app.httpUri,
    runByHand: (name) => triggers.listeners.find(({ functionName }) => functionName === name),
    durable: (request, response) => durable.engine?.handle(request, response) ?? false,
  });
  closers.add(() => http.close());
  return { triggers, invoker, http, extraInputs, durable };
}

type Prepared = Awaited<ReturnType<typeof prepare>>;
type Parts = Awaited<ReturnType<typeof assemble>>;

/** Starts the engine, whose functions run once the host's other parts know it. */
async function startEngine(
  options: HostOptions,
  { config, functions, origin }: Prepared,
  { durable, invoker, extraInputs }: Parts,
): Promise<void> {
  const known = Promise.withResolvers<void>();
  const started = known.promise;
  durable.engine = await openEngine(options, {
    settings: durableSettings(config.host.extensions.durableTask),
    address: { origin, accessKey: options.keys?.master },
    functions: createDurableFunctions({ functions, invoker, extraInputs, started }),
  });
  known.resolve();
}

/** The engine: of this host's own, or the one that it shares with other hosts. */
function openEngine(
  { dataDir, durableHub, clock = systemClock, log = () => {} }: HostOptions,
  { settings, address, functions }: EngineParts,
): Promise<DurableEngine> {
  const common = { ...settings, functions, clock, log };
  if (!durableHub) return startDurable({ ...common, ...address, dataDir });
  const { hubName } = settings;
  return joinHub({ ...common, hub: durableHub, address: { ...address, hubName } });
}

interface EngineParts {
  settings: ReturnType<typeof durableSettings>;
  address: { origin: string; accessKey: string | undefined };
  functions: DurableFunctions;
}

/** Everything up to the loaded app. Nothing listens yet, and a failure has touched nothing. */
async function prepare(
  { appDir, port, settings = {}, log: print = () => {} }: HostOptions,
  closers: Closers,
) {
  const config = loadConfig(appDir, process.env, settings);
  const reservation = await reservePort(port ?? config.local.localHttpPort ?? DEFAULT_PORT);
  closers.add(reservation.release);
  const hostName = `127.0.0.1:${reservation.port}`;
  applyPlatformVariables(process.env, { hostName, appDir });
  const log = createHostLog(print, config.host.logging.logLevel);
  const app = await startApp(appDir, log);
  const sorted = sortFunctions(app.functions.all(), process.env, config.host.functions);
  return { config, reservation, log, app, origin: `http://${hostName}`, ...sorted };
}

function refuse(appDir: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new StartError(`The app in ${appDir} cannot be served:\n- ${problems.join("\n- ")}`);
}

function stopAll(listeners: readonly TriggerListener[], graceMs: number): Promise<unknown> {
  return Promise.all(listeners.map((listener) => listener.stop(graceMs)));
}

function durableSettings({
  hubName,
  maxConcurrentActivityFunctions,
  maxConcurrentOrchestratorFunctions,
}: HostConfig["extensions"]["durableTask"]) {
  return {
    hubName,
    ...(maxConcurrentActivityFunctions && { maxConcurrentActivityFunctions }),
    ...(maxConcurrentOrchestratorFunctions && { maxConcurrentOrchestratorFunctions }),
  };
}

/** Runs the app's appTerminate hooks, but does not let them hold up the end for ever. */
async function terminate(
  hooks: Awaited<ReturnType<typeof startApp>>["hooks"],
  clock: Clock,
): Promise<void> {
  if (!hooks.has("appTerminate")) return;
  const context = { hookData: {}, appHookData: hooks.appHookData };
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.schedule(TERMINATE_HOOKS_DEADLINE_MS, resolve);
    hooks.run("appTerminate", context).finally(cancel).then(resolve, reject);
  });
}
