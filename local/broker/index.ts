import type { Clock } from "../../shared/core/clock.ts";
import type { LocalLog, RunningService } from "../service.ts";
import { Broker } from "./broker.ts";
import type { EntityCounts } from "./namespace.ts";

/** A queue, with the property names of the Azure resource; durations are milliseconds here. */
export interface QueueDefinition {
  name: string;
  lockDurationMs?: number;
  maxDeliveryCount?: number;
  defaultMessageTimeToLiveMs?: number;
  deadLetteringOnMessageExpiration?: boolean;
  requiresSession?: boolean;
  requiresDuplicateDetection?: boolean;
  duplicateDetectionHistoryTimeWindowMs?: number;
  maxSizeInMegabytes?: number;
  maxMessageSizeInKilobytes?: number;
}

/** A subscription receives a copy of every message of its topic that one of its rules matches. */
export type SubscriptionDefinition = Omit<QueueDefinition, "maxMessageSizeInKilobytes">;

/** A topic and its subscriptions. */
export interface TopicDefinition {
  name: string;
  defaultMessageTimeToLiveMs?: number;
  requiresDuplicateDetection?: boolean;
  duplicateDetectionHistoryTimeWindowMs?: number;
  maxSizeInMegabytes?: number;
  maxMessageSizeInKilobytes?: number;
  subscriptions: SubscriptionDefinition[];
}

/** Everything that one emulated namespace holds. */
export interface NamespaceDefinition {
  queues: QueueDefinition[];
  topics: TopicDefinition[];
}

export interface BrokerOptions {
  /** AMQP port on 127.0.0.1; 0 takes a free one. */
  port: number;
  /** Folder of the broker's database; made when absent. */
  dataDir: string;
  namespace: NamespaceDefinition;
  clock?: Clock;
  log?: LocalLog;
}

/** A running broker; in a child process only its plain properties arrive as facts. */
export interface RunningBroker extends RunningService {
  readonly port: number;
  /** What an unmodified Service Bus client connects with. */
  readonly connectionString: string;
  /** How many messages every queue, topic and subscription holds, and in which state. */
  counts(): EntityCounts[];
}

/** Starts the Service Bus emulator. Fails with a `StartError` that names what the user must mend. */
export function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  return Broker.start(options);
}
