import { join } from "node:path";
import type { LocalLog, RunningService } from "../service.ts";
import type { StorageService } from "./azurite.ts";
import { CommitLoop } from "./commit-loop.ts";
import { openFolder } from "./open-folder.ts";
import { openJournal } from "./open-journal.ts";
import { type RunningServer, startServer } from "./start-server.ts";

export interface StorageOptions {
  /** Blob port on 127.0.0.1; queues listen on the next one, tables on the one after. 0 takes free ones. */
  port: number;
  /** Folder for blobs, queues and tables; made when absent. */
  dataDir: string;
  log?: LocalLog;
}

/** Storage, with the connection string that Azure's SDKs take. */
export interface RunningStorage extends RunningService {
  readonly connectionString: string;
}

const SERVICES: readonly StorageService[] = ["blob", "queue", "table"];
const JOURNAL_FILE = "storage.sqlite";

/** Starts blobs, queues and tables. Fails with a `StartError` that names what the user must mend. */
export async function startStorage(options: StorageOptions): Promise<RunningStorage> {
  const { port, dataDir, log = () => {} } = options;
  openFolder(dataDir);
  const commits = new CommitLoop(log);
  const journal = openJournal(join(dataDir, JOURNAL_FILE), commits);
  const servers: RunningServer[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
    commits.stop();
    journal.close();
  };
  try {
    for (const [index, service] of SERVICES.entries()) {
      const servicePort = port === 0 ? 0 : port + index;
      servers.push(await startServer({ service, port: servicePort, dataDir, journal, commits }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return running(servers, close);
}

function running(servers: readonly RunningServer[], close: () => Promise<void>): RunningStorage {
  let closing: Promise<void> | undefined;
  return {
    url: servers[0]?.url ?? "",
    connectionString: connectionString(servers),
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
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};${endpoints.join("")}`;
}
