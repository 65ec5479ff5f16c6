import type { Lanes, Settings, StorageConnection } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import type { ServiceBus } from "../messaging/index.ts";
import { BlobStore, openBlobService, ReadLinks, Table } from "../storage/index.ts";
import type { Emit } from "../telemetry/index.ts";
import { WebhookClient } from "../webhooks/index.ts";
import { BatchRows } from "./batches/batch-rows.ts";
import { DetachedWork } from "./detached-work.ts";
import { JobEventFeed } from "./job-events/job-event-feed.ts";
import { JobEventLog } from "./job-events/job-event-log.ts";
import { JobEvents } from "./job-events/job-events.ts";
import { createTopicChannel } from "./job-events/topic-channel.ts";
import { createWebhookChannel } from "./job-events/webhook-channel.ts";
import { TableJobStore } from "./jobs/table-job-store.ts";
import { JobStreams } from "./results/job-streams.ts";
import { ResultFiles } from "./results/result-files.ts";
import { StreamTails } from "./results/stream-tails.ts";
import type { JobServices } from "./services.ts";

const RESULTS_CONTAINER = "gateway-results";
const JOBS_TABLE = "gatewayJobs";

export interface OpenJobsOptions {
  readonly bus: ServiceBus;
  readonly settings: Settings;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** What jobs need; nothing of it connects before its first use. */
export function openJobs(storage: StorageConnection, options: OpenJobsOptions): JobServices {
  const { settings, clock } = options;
  const { allowLocalWebhooks: allowLocal, webhookTimeoutMs: timeoutMs } = settings.notifications;
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
  const streams = new JobStreams(table);
  return {
    store,
    detached: new DetachedWork(),
    ...openEvents(table, store, options),
    webhooks: new WebhookClient({ clock, timeoutMs, allowLocal }),
    results,
    files,
    batches: new BatchRows(table, results),
    links,
    streams,
    tails: new StreamTails({ store, streams, own: results, clock }),
  };
}

function openEvents(
  table: Table,
  store: TableJobStore,
  { bus, lanes, clock, emit }: OpenJobsOptions,
): Pick<JobServices, "events" | "eventLog" | "feed"> {
  const eventLog = new JobEventLog(table);
  const feed = new JobEventFeed({ log: eventLog, clock });
  const onEvent = (jobId: string): void => feed.poke(jobId);
  const channels = [
    createTopicChannel(bus),
    createWebhookChannel({ bus, queue: lanes.webhooks.queue }),
  ];
  const events = new JobEvents({ log: eventLog, store, channels, clock, emit, onEvent });
  return { events, eventLog, feed };
}
