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
import { createAuthentication, createOperatorCheck } from "../identity/index.ts";
import { AbandonedClaims, LimitBook, LimitTurns } from "../limits/index.ts";
import { type ClaimCheck, createClaimCheck, ReplyInbox, ServiceBus } from "../messaging/index.ts";
import { BackendPool } from "../routing/index.ts";
import { QueuePlaces } from "../scheduling/index.ts";
import { BlobContainer, openBlobService, Table } from "../storage/index.ts";
import {
  anonymousAllowed,
  backendBreakerChanged,
  type Emit,
  limitLedgerFailed,
  replyInboxLost,
  settingsWithoutEffect,
  type Tracing,
} from "../telemetry/index.ts";
import { probeBackends } from "./calls/probe-backends.ts";
import { fetchJson } from "./fetch-json.ts";
import { createRequestHeaderFilter } from "./forwarded-headers.ts";
import type { Idempotency } from "./idempotency/held-key.ts";
import { IdempotencyStore } from "./idempotency/idempotency-store.ts";
import { openFairShare } from "./lanes/open-fair-share.ts";
import { openJobs } from "./open-jobs.ts";
import { TrafficBoard } from "./operators/traffic-board.ts";
import { createPolicy } from "./policy.ts";
import { openPolicyDocuments } from "./policy-documents.ts";
import type { JobServices, Services, WaitingRoom } from "./services.ts";
import { openSlots } from "./serving/open-slots.ts";
import { onUnclaimedReply } from "./serving/unclaimed-reply.ts";
import { LimitLedger } from "./usage/limit-ledger.ts";
import { openUsage } from "./usage/usage-services.ts";
import type { LimitServices } from "./usage/within-limits.ts";

interface CreateServicesOptions {
  settings: Settings;
  connections: Connections;
  lanes: Lanes;
  emit: Emit;
  tracing?: Tracing | undefined;
  clock?: Clock;
  /** Hears of what ends, where somebody has it listen. */
  traffic?: TrafficBoard;
}

/** The services, and how to end them. */
export interface OwnedServices {
  readonly services: Services;
  /** Begins to load the policy and to probe the backends, until the app is told to stop. */
  start(): void;
  /** Refuses new requests from now on; what runs goes on. */
  stop(): void;
  /** Gives up every connection. */
  close(): Promise<void>;
}

const WORK_CONTAINER = "gateway-requests";
const IDEMPOTENCY_TABLE = "gatewayIdempotency";
const LIMITS_TABLE = "gatewayLimits";

/** Makes everything once. Opens no connection: each does that on its first use. */
export function createServices(options: CreateServicesOptions): OwnedServices {
  const { settings, connections, lanes, emit, clock = systemClock } = options;
  const { traffic = new TrafficBoard(clock) } = options;
  const { storage } = connections;
  const shared = { clock, newId: randomUUID, random: Math.random, emit };
  const opening = { ...shared, settings, storage };
  const stopping = new AbortController();
  const tokens = createTokenSource(clock, Math.random);
  const backends = createBackendClient({ ...transportOf(settings), tokens, clock });
  const pool = new BackendPool({
    settings,
    clock,
    random: Math.random,
    onBreakerChange: (backend, change) => emit(backendBreakerChanged(backend, change)),
  });
  const places = openSlots({ settings, lanes, clock });
  const limits = openLimits(storage, { clock, emit });
  const means = { clock, random: Math.random, stopping: stopping.signal, ...places };
  const fairShare = openFairShare({ ...options, storage }, means);
  const usage = openUsage(opening);
  const idempotency = storage && openIdempotency(storage, settings);
  const work = { clock, limits, ...idempotency };
  const remote = settings.role === "stream" ? undefined : openRemote(connections, options, work);
  const services: Services = {
    settings,
    lanes,
    ...shared,
    tracing: options.tracing,
    ...places,
    requestHeaders: createRequestHeaderFilter(settings),
    pool,
    backends,
    waitingRoom: remote?.waitingRoom,
    jobs: remote?.jobs,
    idempotency,
    policy: createPolicy({
      settings,
      documents: openPolicyDocuments({ ...opening, tokens, signal: stopping.signal }),
      emit,
      onWeights(weights) {
        for (const pool of [places.slots, ...places.gates.values()]) pool.reconfigure({ weights });
        fairShare.book.useWeights(weights);
        remote?.waitingRoom.places.useWeights(weights);
      },
      onSettings: (changed) => pool.useSettings(changed),
    }),
    traffic,
    authenticate: createAuthentication(settings.authentication, { clock, fetchJson }),
    operators: createOperatorCheck(settings.operatorKeys),
    limits,
    usage,
    fairShare,
    stopping: stopping.signal,
  };
  return ownedBy(services, stopping);
}

/** What the app does with the services at its beginning and its end. */
function ownedBy(services: Services, stopping: AbortController): OwnedServices {
  const { emit, settings } = services;
  return {
    services,
    start() {
      if (settings.authentication.ways.has("anonymous")) emit(anonymousAllowed());
      const { withoutEffect } = settings;
      if (withoutEffect.length > 0) emit(settingsWithoutEffect(withoutEffect));
      // Nobody is let in without it: better loaded now than while the first caller waits.
      void services.policy.start();
      // The others hear that this instance has room, though nothing has come to it yet.
      if (services.fairShare.relief.isServing) services.fairShare.ledger?.start();
      probeBackends(services, stopping.signal);
    },
    stop: () => stopping.abort(),
    async close() {
      await services.jobs?.detached.close();
      await Promise.all([services.limits.ledger?.close(), services.fairShare.ledger?.close()]);
      await closeRemote(services);
      await services.backends.close();
      await services.usage.journal.close();
    },
  };
}

function transportOf({ ignoreTlsErrors, transport }: Settings) {
  const { connectTimeoutMs, idleTimeoutMs, totalTimeoutMs } = transport;
  return {
    ignoreTlsErrors,
    limits: { connectMs: connectTimeoutMs, idleMs: idleTimeoutMs, totalMs: totalTimeoutMs },
    dnsRefreshMs: transport.dnsRefreshMs,
    allowHttp2: transport.allowHttp2,
  };
}

function openLimits(
  storage: StorageConnection | undefined,
  { clock, emit }: { clock: Clock; emit: Emit },
): LimitServices {
  const book = new LimitBook();
  const ledger =
    storage &&
    new LimitLedger({
      book,
      table: new Table(storage, LIMITS_TABLE),
      instanceId: randomUUID(),
      clock,
      onProblem: (error) => emit(limitLedgerFailed(error)),
    });
  return { book, turns: new LimitTurns(), abandoned: new AbandonedClaims(book, clock), ledger };
}

function openIdempotency(
  storage: StorageConnection,
  { inlineBytes, idempotencyKeptMs }: Settings,
): Idempotency {
  const blobs = new BlobContainer(() => openBlobService(storage), WORK_CONTAINER);
  const claimCheck = createClaimCheck(blobs, inlineBytes);
  const store = new IdempotencyStore({
    table: new Table(storage, IDEMPOTENCY_TABLE),
    keptMs: idempotencyKeptMs,
    discard: (body) => claimCheck.discard(body),
  });
  return { store, claimCheck };
}

interface Remote {
  readonly waitingRoom: WaitingRoom;
  readonly jobs: JobServices;
}

async function closeRemote({ waitingRoom, jobs }: Services): Promise<void> {
  await waitingRoom?.replies.close();
  await waitingRoom?.bus.close();
  await jobs?.webhooks.close();
}

interface RoomMeans {
  readonly clock: Clock;
  readonly claimCheck: ClaimCheck;
  readonly limits: LimitServices;
}

function openRemote(
  { messaging, storage }: Connections,
  options: CreateServicesOptions,
  {
    clock,
    claimCheck,
    limits,
  }: Omit<RoomMeans, "claimCheck"> & Partial<Pick<RoomMeans, "claimCheck">>,
): Remote {
  if (!messaging || !storage || !claimCheck) {
    throw new Error(
      "The roles jobs and all need ServiceBusConnection and AzureWebJobsStorage, " +
        "as connection strings or by identity.",
    );
  }
  const waitingRoom = openWaitingRoom(messaging, { claimCheck, clock, limits }, options);
  const { settings, lanes, emit } = options;
  const { bus } = waitingRoom;
  return { waitingRoom, jobs: openJobs(storage, { bus, settings, lanes, clock, emit }) };
}

function openWaitingRoom(
  messaging: MessagingConnection,
  { claimCheck, clock, limits }: RoomMeans,
  { lanes, emit }: CreateServicesOptions,
): WaitingRoom {
  const bus = new ServiceBus(messaging);
  return {
    bus,
    replyQueue: lanes.replies.queue,
    claimCheck,
    places: new QueuePlaces(),
    replies: new ReplyInbox({
      bus,
      queue: lanes.replies.queue,
      sessionId: `gateway-${randomUUID()}`,
      clock,
      onUnclaimed: (reply) => onUnclaimedReply({ emit, limits }, reply),
      onLost: (error) => emit(replyInboxLost(error)),
    }),
  };
}
