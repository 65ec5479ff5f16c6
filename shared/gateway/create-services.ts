import { randomUUID } from "node:crypto";
import { createBackendClient, createTokenSource } from "../backends/index.ts";
import type {
  Connections,
  Lanes,
  MessagingConnection,
  Settings,
  StorageConnection,
} from "../config/index.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";
import { createClaimCheck, ReplyInbox, ServiceBus } from "../messaging/index.ts";
import { BackendPool } from "../routing/index.ts";
import { FairScheduler } from "../scheduling/index.ts";
import { BlobContainer, openBlobService, Table } from "../storage/index.ts";
import { type Emit, replyInboxLost, replyUnclaimed } from "../telemetry/index.ts";
import { createRequestHeaderFilter } from "./forwarded-headers.ts";
import { IdempotencyStore } from "./idempotency-store.ts";
import { probeBackends } from "./probe-backends.ts";
import type { Idempotency } from "./serve-once.ts";
import type { JobServices, Services, WaitingRoom } from "./services.ts";
import { TableJobStore } from "./table-job-store.ts";

export interface CreateServicesOptions {
  settings: Settings;
  connections: Connections;
  lanes: Lanes;
  emit: Emit;
  clock?: Clock;
}

/** The services, and how to end them. */
export interface OwnedServices {
  readonly services: Services;
  /** Begins to probe the backends; they are probed until the app is told to stop. */
  start(): void;
  /** Refuses new requests from now on; what runs goes on. */
  stop(): void;
  /** Gives up every connection. */
  close(): Promise<void>;
}

const WORK_CONTAINER = "gateway-requests";
const RESULTS_CONTAINER = "gateway-results";
const JOBS_TABLE = "gatewayJobs";
const IDEMPOTENCY_TABLE = "gatewayIdempotency";

/** Makes everything once. Opens no connection: each does that on its first use. */
export function createServices(options: CreateServicesOptions): OwnedServices {
  const { settings, connections, lanes, emit, clock = systemClock } = options;
  const stopping = new AbortController();
  const preemptible = preemptibleClasses(lanes);
  const backends = createBackendClient({
    ignoreTlsErrors: settings.ignoreTlsErrors,
    tokens: createTokenSource(clock),
  });
  const remote = settings.role === "stream" ? undefined : openRemote(connections, options, clock);
  const services: Services = {
    settings,
    lanes,
    clock,
    newId: randomUUID,
    random: Math.random,
    emit,
    slots: new FairScheduler({
      capacity: settings.workers,
      clock,
      maxQueueLength: settings.maxQueueLength,
      preemptible,
    }),
    preemptible,
    gates: laneGates(lanes, clock),
    requestHeaders: createRequestHeaderFilter(settings),
    pool: new BackendPool({ settings, clock, random: Math.random }),
    backends,
    waitingRoom: remote?.waitingRoom,
    jobs: remote?.jobs,
    idempotency: remote?.idempotency,
    stopping: stopping.signal,
  };
  return {
    services,
    start: () => probeBackends(services, stopping.signal),
    stop: () => stopping.abort(),
    async close() {
      await remote?.waitingRoom.replies.close();
      await remote?.waitingRoom.bus.close();
      await backends.close();
    },
  };
}

function laneGates({ lanes }: Lanes, clock: Clock): ReadonlyMap<string, FairScheduler> {
  return new Map(
    lanes.map(({ name, concurrency }) => [
      name,
      new FairScheduler({ capacity: concurrency, clock }),
    ]),
  );
}

function preemptibleClasses({ lanes }: Lanes): ReadonlySet<PriorityClass> {
  return new Set(lanes.filter((lane) => lane.preemptible).map((lane) => lane.priority));
}

interface Remote {
  readonly waitingRoom: WaitingRoom;
  readonly jobs: JobServices;
  readonly idempotency: Idempotency;
}

function openRemote(
  { messaging, storage }: Connections,
  options: CreateServicesOptions,
  clock: Clock,
): Remote {
  if (!messaging || !storage) {
    throw new Error(
      "The roles jobs and all need ServiceBusConnection and AzureWebJobsStorage, " +
        "as connection strings or by identity.",
    );
  }
  const waitingRoom = openWaitingRoom({ messaging, storage, clock }, options);
  return {
    waitingRoom,
    idempotency: {
      store: new IdempotencyStore(new Table(storage, IDEMPOTENCY_TABLE)),
      claimCheck: waitingRoom.claimCheck,
    },
    jobs: {
      store: new TableJobStore(new Table(storage, JOBS_TABLE)),
      results: new BlobContainer(() => openBlobService(storage), RESULTS_CONTAINER),
    },
  };
}

function openWaitingRoom(
  {
    messaging,
    storage,
    clock,
  }: { messaging: MessagingConnection; storage: StorageConnection; clock: Clock },
  { settings, lanes, emit }: CreateServicesOptions,
): WaitingRoom {
  const bus = new ServiceBus(messaging);
  const blobs = new BlobContainer(() => openBlobService(storage), WORK_CONTAINER);
  return {
    bus,
    replyQueue: lanes.replies.queue,
    claimCheck: createClaimCheck(blobs, settings.inlineBytes),
    replies: new ReplyInbox({
      bus,
      queue: lanes.replies.queue,
      sessionId: `gateway-${randomUUID()}`,
      clock,
      onUnclaimed: ({ requestId }) => emit(replyUnclaimed(requestId)),
      onLost: (error) => emit(replyInboxLost(error)),
    }),
  };
}
