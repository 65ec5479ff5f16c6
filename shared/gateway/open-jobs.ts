import type { StorageConnection } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import { BlobStore, openBlobService, ReadLinks, Table } from "../storage/index.ts";
import type { Emit } from "../telemetry/index.ts";
import { DetachedWork } from "./detached-work.ts";
import { JobEventFeed } from "./job-event-feed.ts";
import { JobEventLog } from "./job-event-log.ts";
import { type EventChannel, JobEvents } from "./job-events.ts";
import { JobStreams } from "./job-streams.ts";
import { ResultFiles } from "./result-files.ts";
import type { JobServices } from "./services.ts";
import { StreamTails } from "./stream-tails.ts";
import { TableJobStore } from "./table-job-store.ts";

const RESULTS_CONTAINER = "gateway-results";
const JOBS_TABLE = "gatewayJobs";

/** All that keeps jobs, their results and what is told of them. */
export function openJobs(
  storage: StorageConnection,
  { clock, emit, channels }: { clock: Clock; emit: Emit; channels: readonly EventChannel[] },
): JobServices {
  const table = new Table(storage, JOBS_TABLE);
  const blobs = new BlobStore(() => openBlobService(storage));
  const links = new ReadLinks({
    open: () => blobs.service(),
    signWith: storage.kind === "identity" ? "identity" : "sharedKey",
    clock,
  });
  const results = blobs.container(RESULTS_CONTAINER);
  const uriOf = (container: string, name: string) => links.plain({ container, name });
  const files = new ResultFiles({ own: results, blobs, table, uriOf });
  const store = new TableJobStore(table, files);
  const eventLog = new JobEventLog(table);
  const feed = new JobEventFeed({ log: eventLog, clock });
  const onEvent = (jobId: string): void => feed.poke(jobId);
  const events = new JobEvents({ log: eventLog, store, channels, clock, emit, onEvent });
  const streams = new JobStreams(table);
  const tails = new StreamTails({ store, streams, own: results, clock });
  return {
    store,
    detached: new DetachedWork(),
    events,
    eventLog,
    feed,
    results,
    files,
    links,
    streams,
    tails,
  };
}
