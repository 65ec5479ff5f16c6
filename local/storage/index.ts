import { type LocalLog, NotEmulatedError, type RunningService } from "../service.ts";

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

/** Starts blobs, queues and tables. Fails with a `StartError` that names what the user must mend. */
export function startStorage(_options: StorageOptions): Promise<RunningStorage> {
  return Promise.reject(new NotEmulatedError("storage"));
}
