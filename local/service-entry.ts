import {
  type RunningService,
  type ServiceMessage,
  type ServiceName,
  STOP_ORDER,
  StartError,
} from "./service.ts";

/**
 * Entry point of a child process: `node local/service-entry.ts broker`, with a word for people behind it on
 * which place it is. Its options come as the first message. It tells the parent `ready` or `failed` over IPC,
 * closes when told so, and dies with its parent so that a killed stack leaves nothing behind that holds a port.
 */
const LOADERS: Record<ServiceName, () => Promise<(options: never) => Promise<RunningService>>> = {
  broker: async () => (await import("./broker/index.ts")).startBroker,
  storage: async () => (await import("./storage/index.ts")).startStorage,
  models: async () => (await import("./models/index.ts")).startModels,
  durable: async () => (await import("./durable/index.ts")).startDurableHub,
  host: async () => (await import("./host/index.ts")).startHost,
};

// What broke it, a full disk for one, may last: a part that ends more often than every ten seconds is given up.
const PAUSE_MS = 15_000;

const tellParent = (message: ServiceMessage): void => {
  // A parent that died meanwhile is noticed by "disconnect"; a failed send needs no second way.
  process.send?.(message, undefined, undefined, () => {});
};

async function run(name: ServiceName, given: Promise<object>): Promise<void> {
  const start = await LOADERS[name]();
  const log = (line: string): void => tellParent({ type: "log", line });
  const service = await start({ ...(await given), log } as never);
  const stop = (): void => {
    service.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on("message", (order: unknown) => {
    if (order === STOP_ORDER) stop();
  });
  service.broken?.then(() => setTimeout(() => process.exit(1), PAUSE_MS));
  // IPC carries JSON: methods drop out, the plain facts arrive.
  tellParent({ type: "ready", facts: { ...service, broken: undefined } });
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const detail = error instanceof StartError ? message : describe(error);
  if (process.send) process.send({ type: "failed", message: detail }, () => process.exit(1));
  else process.exit(1);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.on("disconnect", () => process.exit(1));
// Ctrl-C, and many a service manager, signal the whole process group; the parent decides the order in
// which parts stop, and tells each over IPC.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});

const [, , name = ""] = process.argv;
const options = new Promise<object>((resolve) => {
  process.once("message", (first) => resolve(Object(first)));
});
if (!Object.hasOwn(LOADERS, name)) fail(new StartError(`There is no local service "${name}".`));
else run(name as ServiceName, options).catch(fail);
