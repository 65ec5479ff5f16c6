import { join } from "node:path";
import type { LocalLog, RunningService } from "../service.ts";
import type { StorageService, StorageTls } from "./azurite.ts";
import { CommitLoop } from "./commit-loop.ts";
import { type RunningIdentity, startIdentity } from "./identity-endpoint.ts";
import { openFolder } from "./open-folder.ts";
import { openJournal } from "./open-journal.ts";
import { type RunningServer, startServer } from "./start-server.ts";

export type { StorageTls } from "./azurite.ts";

export interface StorageOptions {
  /** Blob port on 127.0.0.1; queues listen on the next one, tables on the one after. 0 takes free ones. */
  port: number;
  /** Folder for blobs, queues and tables; made when absent. */
  dataDir: string;
  /** Speaks https and takes identities, whose tokens come from the port behind the tables. */
  tls?: StorageTls;
  log?: LocalLog;
}

/** Storage, with the connection string that Azure's SDKs take. */
export interface RunningStorage extends RunningService {
  readonly connectionString: string;
  /** The settings with which an app reaches it: by connection string, or over https by identity. */
  readonly appSettings: Readonly<Record<string, string>>;
}

const SERVICES: readonly StorageService[] = ["blob", "queue", "table"];
const JOURNAL_FILE = "storage.sqlite";

/** Starts blobs, queues and tables. Fails with a `StartError` that names what the user must mend. */
export async function startStorage(options: StorageOptions): Promise<RunningStorage> {
  const { port, dataDir, tls, log = () => {} } = options;
  openFolder(dataDir);
  const commits = new CommitLoop(log);
  const journal = openJournal(join(dataDir, JOURNAL_FILE), commits);
  const servers: RunningServer[] = [];
  let identity: RunningIdentity | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([identity, ...servers].map((server) => server?.close()));
    commits.stop();
    journal.close();
  };
  try {
    const portAt = (index: number): number => (port === 0 ? 0 : port + index);
    for (const [index, service] of SERVICES.entries()) {
      const place = { service, port: portAt(index), dataDir };
      servers.push(await startServer({ ...place, journal, commits, tls }));
    }
    if (tls) identity = await startIdentity(portAt(SERVICES.length));
  } catch (error) {
    await close();
    throw error;
  }
  return running(servers, identity, close);
}

function running(
  servers: readonly RunningServer[],
  identity: RunningIdentity | undefined,
  close: () => Promise<void>,
): RunningStorage {
  let closing: Promise<void> | undefined;
  const text = connectionString(servers);
  return {
    url: servers[0]?.url ?? "",
    connectionString: text,
    appSettings: identity
      ? { ...serviceUris(servers), ...identity.settings }
      : { AzureWebJobsStorage: text },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

// Azurite's public, well-known account: it opens nothing but the emulator.
const ACCOUNT = "devstoreaccount1";
const ACCOUNT_KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const ENDPOINT_NAMES = { blob: "BlobEndpoint", queue: "QueueEndpoint", table: "TableEndpoint" };

function connectionString(servers: readonly RunningServer[]): string {
  const endpoints = servers.map(
    ({ service, url }) => `${ENDPOINT_NAMES[service]}=${url}/${ACCOUNT};`,
  );
  const protocol = servers.some(({ url }) => url.startsWith("https:")) ? "https" : "http";
  return `DefaultEndpointsProtocol=${protocol};AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};${endpoints.join("")}`;
}

/** The identity-based form of a storage connection, as the Functions host has it. */
function serviceUris(servers: readonly RunningServer[]): Record<string, string> {
  return Object.fromEntries(
    servers.map(({ service, url }) => [
      `AzureWebJobsStorage__${service}ServiceUri`,
      `${url}/${ACCOUNT}`,
    ]),
  );
}
