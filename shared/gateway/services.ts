import type { BackendClient } from "../backends/index.ts";
import type { Lanes, Settings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import type { NewId, PriorityClass, Random } from "../core/domain.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Authenticate, OperatorCheck } from "../identity/index.ts";
import type { JobStore } from "../jobs/index.ts";
import type { ClaimCheck, ReplyInbox, ServiceBus } from "../messaging/index.ts";
import type { BackendPool } from "../routing/index.ts";
import type { FairScheduler, QueuePlaces } from "../scheduling/index.ts";
import type { BlobContainer, ReadLinks } from "../storage/index.ts";
import type { Emit, Tracing } from "../telemetry/index.ts";
import type { WebhookClient } from "../webhooks/index.ts";
import type { BatchRows } from "./batches/batch-rows.ts";
import type { DetachedWork } from "./detached-work.ts";
import type { Idempotency } from "./idempotency/held-key.ts";
import type { JobEventFeed } from "./job-events/job-event-feed.ts";
import type { JobEventLog } from "./job-events/job-event-log.ts";
import type { JobEvents } from "./job-events/job-events.ts";
import type { FairShareServices } from "./lanes/enter-lane.ts";
import type { TrafficBoard } from "./operators/traffic-board.ts";
import type { Policy } from "./policy.ts";
import type { JobStreams } from "./results/job-streams.ts";
import type { ResultFiles } from "./results/result-files.ts";
import type { StreamTails } from "./results/stream-tails.ts";
import type { UsageServices } from "./usage/usage-services.ts";
import type { LimitServices } from "./usage/within-limits.ts";

/** What serving through lanes needs; absent where no Service Bus is configured (role `stream`). */
export interface WaitingRoom {
  readonly bus: ServiceBus;
  readonly replies: ReplyInbox;
  readonly replyQueue: string;
  /** Who holds the places of this instance for requests that wait in lanes. */
  readonly places: QueuePlaces;
  readonly claimCheck: ClaimCheck;
}

/** What jobs need; absent where neither Service Bus nor Durable is at hand (role `stream`). */
export interface JobServices {
  readonly store: JobStore;
  /** What this instance does for jobs whose callers it has answered 202. */
  readonly detached: DetachedWork;
  /** Notes what happens to jobs, and tells it. */
  readonly events: JobEvents;
  /** What happened to jobs, as it was noted. */
  readonly eventLog: JobEventLog;
  /** Follows what happens to jobs, for readers at this instance. */
  readonly feed: JobEventFeed;
  readonly webhooks: WebhookClient;
  /** The gateway's own container: what attempts write. */
  readonly results: BlobContainer;
  readonly files: ResultFiles;
  /** The lines of batches. */
  readonly batches: BatchRows;
  /** Which event streams a job has. */
  readonly streams: JobStreams;
  /** Watches those that somebody follows. */
  readonly tails: StreamTails;
  readonly links: Pick<ReadLinks, "plain" | "signed">;
}

/** Everything that is made once and used by every request. Scope: per instance. */
export interface Services {
  readonly settings: Settings;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: Random;
  readonly emit: Emit;
  /** Absent where nobody traces. */
  readonly tracing: Tracing | undefined;
  readonly slots: FairScheduler;
  /** Classes whose work may have to give way to more urgent work. */
  readonly preemptible: ReadonlySet<PriorityClass>;
  /** One gate a lane, by lane name: the platform cannot limit one function without the others. */
  readonly gates: ReadonlyMap<string, FairScheduler>;
  /** What of a client's headers goes on to a backend. */
  readonly requestHeaders: (headers: HeaderList) => HeaderList;
  readonly pool: BackendPool;
  readonly backends: BackendClient;
  readonly waitingRoom: WaitingRoom | undefined;
  readonly jobs: JobServices | undefined;
  readonly idempotency: Idempotency | undefined;
  readonly policy: Policy;
  /** What went through this instance, for operators. */
  readonly traffic: TrafficBoard;
  /** Finds out who calls; absent where callers are believed, as in the original. */
  readonly authenticate: Authenticate | undefined;
  /** Who may see and do what only those may who run the gateway. */
  readonly operators: OperatorCheck;
  readonly limits: LimitServices;
  readonly usage: UsageServices;
  readonly fairShare: FairShareServices;
  /** Aborts when the app is told to stop: nothing new is admitted from then on. */
  readonly stopping: AbortSignal;
}
