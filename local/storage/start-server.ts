import { closeSync } from "node:fs";
import { join } from "node:path";
import {
  type AzuriteServer,
  createAzuriteServer,
  EXTENT_FOLDERS,
  type StorageService,
  type StorageTls,
} from "./azurite.ts";
import { commitBeforeAnswer } from "./commit-before-answer.ts";
import type { CommitLoop } from "./commit-loop.ts";
import { keepExtentsInStep } from "./extent-files.ts";
import { findRowsByKey, type TableStore } from "./find-rows-by-key.ts";
import type { Journal } from "./journal.ts";
import { listen, stopListening } from "./listening.ts";
import { openFolder } from "./open-folder.ts";
import { restore } from "./open-journal.ts";

const STOP_GRACE_MS = 2_000;
const CONTENTS = { blob: "blobs", queue: "queues", table: "tables" } as const;

/** One listening service. */
export interface RunningServer {
  readonly service: StorageService;
  readonly url: string;
  close(): Promise<void>;
}

export interface StartServerOptions {
  service: StorageService;
  port: number;
  dataDir: string;
  journal: Journal;
  commits: CommitLoop;
  tls: StorageTls | undefined;
}

/** Restores one service from the journal and opens its port. */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { service, port, dataDir, journal, commits, tls } = options;
  const azurite = createAzuriteServer(service, dataDir, tls);
  restoreStores(azurite, service, journal);
  if (service === "table") {
    findRowsByKey(azurite.metadataStore as TableStore);
  } else {
    const folder = join(dataDir, EXTENT_FOLDERS[service]);
    openFolder(folder);
    keepExtentsInStep(azurite, folder, commits.commit);
  }
  commitBeforeAnswer(azurite.httpServer, commits.commit);
  try {
    await azurite.beforeStart();
    const listeningPort = await listen(azurite.httpServer, port, CONTENTS[service]);
    const url = `${tls ? "https" : "http"}://127.0.0.1:${listeningPort}`;
    return { service, url, close: () => close(azurite) };
  } catch (error) {
    await close(azurite);
    throw error;
  }
}

function restoreStores(azurite: AzuriteServer, service: StorageService, journal: Journal): void {
  restore(journal, service, azurite.metadataStore.db);
  const extents = azurite.extentMetadataStore;
  if (extents) restore(journal, `${service}-extents`, extents.db);
}

async function close(azurite: AzuriteServer): Promise<void> {
  await stopListening(azurite.httpServer, STOP_GRACE_MS);
  await azurite.afterClose();
  for (const { fd } of azurite.extentStore?.activeWriteExtents ?? []) {
    if (fd !== undefined) closeSync(fd);
  }
}
