import { randomUUID } from "node:crypto";
import { vi } from "vitest";
import { shippedLanes } from "../../shared/config/index.ts";
import { systemClock } from "../../shared/core/clock.ts";
import type { GatewayRequest } from "../../shared/core/http.ts";
import { BatchRows } from "../../shared/gateway/batches/batch-rows.ts";
import { DetachedWork } from "../../shared/gateway/detached-work.ts";
import { IdempotencyStore } from "../../shared/gateway/idempotency/idempotency-store.ts";
import { createServices, type Services } from "../../shared/gateway/index.ts";
import { JobEventFeed } from "../../shared/gateway/job-events/job-event-feed.ts";
import { JobEventLog } from "../../shared/gateway/job-events/job-event-log.ts";
import { JobEvents } from "../../shared/gateway/job-events/job-events.ts";
import { createTopicChannel } from "../../shared/gateway/job-events/topic-channel.ts";
import { createWebhookChannel } from "../../shared/gateway/job-events/webhook-channel.ts";
import { TableJobStore } from "../../shared/gateway/jobs/table-job-store.ts";
import { JobStreams } from "../../shared/gateway/results/job-streams.ts";
import { ResultFiles } from "../../shared/gateway/results/result-files.ts";
import { StreamTails } from "../../shared/gateway/results/stream-tails.ts";
import { onUnclaimedReply } from "../../shared/gateway/serving/unclaimed-reply.ts";
import { UsageJournal } from "../../shared/gateway/usage/usage-journal.ts";
import type { JobEngine } from "../../shared/jobs/index.ts";
import { UsageLedger, UsageOutbox } from "../../shared/ledger/index.ts";
import { createClaimCheck, ReplyInbox } from "../../shared/messaging/index.ts";
import type { ReadLinks } from "../../shared/storage/index.ts";
import { heard, type TelemetryEvent } from "../../shared/telemetry/index.ts";
import type { CountTask } from "../../shared/tokens/index.ts";
import { WebhookClient } from "../../shared/webhooks/index.ts";
import { FakeBackends } from "./fake-backends.ts";
import { FakeBus } from "./fake-bus.ts";
import { FakeClock } from "./fake-clock.ts";
import { MemoryBlobs } from "./memory-blobs.ts";
import { MemoryTable } from "./memory-table.ts";
import { settingsWith } from "./settings.ts";
import { bodyOf } from "./streams.ts";

// Never opened: everything that would open them is replaced.
const CONNECTIONS = {
  messaging: { kind: "connectionString", connectionString: "none" },
  storage: { kind: "connectionString", connectionString: "none" },
} as const;

/** A gateway whose every outside is in memory. */
export type TestGateway = ReturnType<typeof createGateway>;

/** Builds the gateway's real services, and replaces whatever leaves the process. */
export function createGateway(env: Record<string, string> = {}) {
  const settings = settingsWith(env);
  const clock = new FakeClock();
  const [bus, backends, work, results] = [
    new FakeBus(),
    new FakeBackends(clock),
    new MemoryBlobs(),
    new MemoryBlobs(),
  ];
  const table = new MemoryTable();
  const places = new Map<string, MemoryBlobs>();
  const placeOf = (name: string): MemoryBlobs => {
    const place = places.get(name) ?? new MemoryBlobs();
    places.set(name, place);
    return place;
  };
  const files = new ResultFiles({
    own: results.asContainer,
    blobs: { container: (name) => placeOf(name).asContainer },
    table: table.asTable,
    uriOf: (container, name) => fakeLinks(clock).plain({ container, name }),
  });
  const store = new TableJobStore(table.asTable, files);
  const eventLog = new JobEventLog(table.asTable);
  const feed = new JobEventFeed({ log: eventLog, clock });
  const events: TelemetryEvent[] = [];
  const receipts: TelemetryEvent[] = [];
  const records: TelemetryEvent[] = [];
  const uses: TelemetryEvent[] = [];
  const listFor = ({ event }: TelemetryEvent): TelemetryEvent[] => {
    if (event === "request.routed") return receipts;
    if (event === "usage.noted") return uses;
    return event === "request.ended" || event === "attempt.ended" ? records : events;
  };
  const emit = (event: TelemetryEvent): void => void listFor(event).push(heard(event));
  const owned = createServices({
    settings,
    connections: CONNECTIONS,
    lanes: shippedLanes(),
    emit,
    clock,
  });
  const replies = new ReplyInbox({
    bus: bus.asServiceBus,
    queue: "replies",
    sessionId: "gateway-1",
    clock,
    onUnclaimed: (reply) => onUnclaimedReply(owned.services, reply),
    onLost: () => {},
  });
  const streams = new JobStreams(table.asTable);
  const usageMessages: string[] = [];
  const ledgerTable = new MemoryTable();
  const counter = createCounter();
  const outbox = new UsageOutbox({
    send: async (message) => void usageMessages.push(message),
    // Time of its own: what waits to be sent is nothing that a request holds.
    clock: new FakeClock(),
    newId: randomUUID,
    onProblem: () => {},
    onDropped: () => {},
  });
  let ids = 0;
  const claimCheck = createClaimCheck(work, settings.inlineBytes);
  const services: Services = {
    ...owned.services,
    newId: () => `id-${++ids}`,
    random: () => 0.5,
    backends,
    waitingRoom: owned.services.waitingRoom && {
      bus: bus.asServiceBus,
      replies,
      replyQueue: "replies",
      places: owned.services.waitingRoom.places,
      claimCheck: createClaimCheck(work, settings.inlineBytes),
    },
    usage: {
      ...owned.services.usage,
      journal: new UsageJournal({
        newId: () => `use-${uses.length + 1}`,
        clock,
        emit,
        outbox,
        counter,
      }),
      outbox,
      ledger: new UsageLedger({
        table: ledgerTable.asTable as never,
        clock: systemClock,
        random: Math.random,
      }),
    },
    fairShare: { ...owned.services.fairShare, ledger: undefined },
    idempotency: owned.services.idempotency && {
      store: new IdempotencyStore({
        table: table.asTable,
        keptMs: settings.idempotencyKeptMs,
        discard: (body) => claimCheck.discard(body),
      }),
      claimCheck,
    },
    jobs: owned.services.jobs && {
      store,
      detached: new DetachedWork(),
      events: new JobEvents({
        log: eventLog,
        store,
        channels: [createTopicChannel(bus), createWebhookChannel({ bus, queue: "webhooks" })],
        clock,
        emit,
        onEvent: (jobId) => feed.poke(jobId),
      }),
      eventLog,
      feed,
      webhooks: new WebhookClient({ clock, timeoutMs: 5000, allowLocal: true }),
      results: results.asContainer,
      files,
      batches: new BatchRows(table.asTable, results.asContainer),
      links: fakeLinks(clock),
      streams,
      tails: new StreamTails({ store, streams, own: results.asContainer, clock }),
    },
  };
  return {
    services,
    backends,
    bus,
    clock,
    events,
    receipts,
    records,
    replies,
    results,
    placeOf,
    table,
    uses,
    counter,
    usageMessages,
    ledgerTable,
    work,
    stop: owned.stop,
  };
}

/** Counts words. */
const createCounter = () => ({
  /** Whether it has too much to do to count anything. */
  isFull: false,
  async count({ body, text }: CountTask) {
    if (this.isFull) return undefined;
    return {
      inputTokens: body && Buffer.from(body).toString().split(" ").length,
      outputTokens: text.split(" ").filter(Boolean).length,
    };
  },
  close: async () => {},
});

/** Links that show what was asked of them. */
function fakeLinks(clock: FakeClock): Pick<ReadLinks, "plain" | "signed"> {
  const uriOf = ({ container, name }: { container: string; name: string }): string =>
    `https://account.example/${container}/${name}`;
  return {
    plain: async (blob) => uriOf(blob),
    signed: async (blob, lifeMs) => `${uriOf(blob)}?until=${clock.now() + lifeMs}`,
  };
}

/** A durable engine that only notes what it is told. */
export function fakeEngine() {
  const start = vi.fn<JobEngine["start"]>(async () => true);
  const signal = vi.fn<JobEngine["signal"]>(async () => {});
  return { start, signal };
}

interface RequestChange extends Partial<Omit<GatewayRequest, "body">> {
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** A request as it stands at the door. */
export function requestTo(gateway: TestGateway, change: RequestChange = {}): GatewayRequest {
  const { body, ...rest } = change;
  const isWhole = typeof body === "string" || body instanceof Uint8Array;
  return {
    id: "request-1",
    method: "POST",
    target: "/chat?x=%2F",
    headers: [],
    receivedAt: gateway.clock.now(),
    closed: new AbortController().signal,
    ...rest,
    body: isWhole ? bodyOf(body) : body,
  };
}
