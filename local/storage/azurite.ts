import type { Server } from "node:http";
import { createRequire, registerHooks } from "node:module";
import { join } from "node:path";
import type { LokiDatabase } from "./loki.ts";

/** The three services, in the order of their ports. */
export type StorageService = "blob" | "queue" | "table";

interface LokiStore {
  readonly db: LokiDatabase;
}

/** Azurite's store of bytes; `fd` is the open file of an extent that is appended to. */
export interface ExtentStore {
  readonly activeWriteExtents: readonly { readonly fd?: number | undefined }[];
  deleteExtents(ids: Iterable<string>): Promise<number>;
}

/** The part of an Azurite server that we drive; it is version 3.37.0's and pinned with it. */
export interface AzuriteServer {
  readonly httpServer: Server;
  readonly metadataStore: LokiStore;
  readonly extentMetadataStore?: LokiStore;
  readonly extentStore?: ExtentStore;
  readonly accountDataStore: { refresh(): void };
  beforeStart(): Promise<void>;
  afterClose(): Promise<void>;
}

type Constructor<T> = new (...args: unknown[]) => T;

const CONSTRUCTORS = {
  blob: ["blob/BlobServer", "blob/BlobConfiguration"],
  queue: ["queue/QueueServer", "queue/QueueConfiguration"],
  table: ["table/TableServer", "table/TableConfiguration"],
} as const;

/** Folder, below the data folder, of a service's extents: the files that hold bytes. */
export const EXTENT_FOLDERS = { blob: "blobs", queue: "queue-messages" } as const;

const HOST = "127.0.0.1";
// Longer than what HTTP agents keep an idle socket, so that the client closes it, not we.
const KEEP_ALIVE_SECONDS = 120;
// Azurite's own choices of how many extents it appends to at once.
const BLOB_WRITE_CONCURRENCY = 50;
const QUEUE_WRITE_CONCURRENCY = 1;

const NO_LOG = false;

const require = createRequire(import.meta.url);

/** Files of a certificate and its key: with them a service speaks https, and takes bearer tokens. */
export interface StorageTls {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Builds the server of one service; it neither listens nor touches the disk yet. */
export function createAzuriteServer(
  service: StorageService,
  dataDir: string,
  tls: StorageTls | undefined,
): AzuriteServer {
  const [server, configuration] = CONSTRUCTORS[service];
  const Configuration = load<object>(configuration);
  const AzuriteServerOf = load<AzuriteServer>(server);
  const azurite = new AzuriteServerOf(
    new Configuration(...configurationArguments(service, dataDir), ...tlsArguments(tls)),
  );
  // It would take accounts from the environment, and ours is the one in the connection string.
  azurite.accountDataStore.refresh = () => {};
  return azurite;
}

function configurationArguments(service: StorageService, dataDir: string): unknown[] {
  // Never written: LokiJS persistence is replaced by the journal.
  const lokiPath = join(dataDir, `${service}.loki`);
  const head = [HOST, 0, KEEP_ALIVE_SECONDS, lokiPath];
  // loose, skipApiVersionCheck: the SDKs speak newer API versions than Azurite lists.
  const modes = [false, true];
  // The table server alone takes the debug log before the access log.
  if (service === "table") return [...head, NO_LOG, NO_LOG, undefined, undefined, ...modes];
  const extents = {
    locationId: "Default",
    locationPath: join(dataDir, EXTENT_FOLDERS[service]),
    maxConcurrency: service === "blob" ? BLOB_WRITE_CONCURRENCY : QUEUE_WRITE_CONCURRENCY,
  };
  return [
    ...head,
    `${lokiPath}-extents`,
    [extents],
    NO_LOG,
    undefined,
    NO_LOG,
    undefined,
    ...modes,
  ];
}

/** Certificate, key, password, level of OAuth. Azurite takes bearer tokens over https only. */
function tlsArguments(tls: StorageTls | undefined): unknown[] {
  return tls ? [tls.certPath, tls.keyPath, "", "basic"] : [];
}

function load<T>(path: string): Constructor<T> {
  const hooks = skipTelemetry();
  try {
    const module = require(`azurite/dist/src/${path}.js`) as { default: Constructor<T> };
    return module.default;
  } finally {
    hooks.deregister();
  }
}

const EMPTY_MODULE = "data:text/javascript,";

// Azurite imports Application Insights for usage telemetry that only its command line turns on;
// the import alone takes longer than all the rest.
function skipTelemetry(): ReturnType<typeof registerHooks> {
  return registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "applicationinsights" && context.parentURL?.includes("/azurite/")
        ? { url: EMPTY_MODULE, format: "commonjs", shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) =>
      url === EMPTY_MODULE
        ? { format: "commonjs", source: "", shortCircuit: true }
        : next(url, context),
  });
}
