import type {
  ServiceBusClient,
  ServiceBusMessage,
  ServiceBusReceivedMessage,
  ServiceBusSender,
} from "@azure/service-bus";
import type { MessagingConnection } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import { GatewayError } from "../core/errors.ts";
import { untilAborted } from "../core/until-aborted.ts";
import { settleInTime } from "./settle-in-time.ts";

/** A message to send; ids must be new for each message that is meant to arrive. */
export interface OutgoingMessage {
  readonly messageId: string;
  readonly body: unknown;
  readonly sessionId?: string;
  readonly correlationId?: string;
  readonly timeToLiveMs?: number;
  /** Epoch milliseconds before which nobody receives it; its time to live counts from then. */
  readonly scheduledAt?: number;
  readonly applicationProperties?: Readonly<Record<string, string | number | boolean>>;
}

/** Why a message goes to the dead letters: for its sender, and for operators. */
export interface DeadLetterCause {
  readonly reason: string;
  readonly description: string;
}

// The SDK's own defaults wait 30 s between tries, and a minute for an answer; a restarted broker is back long
// before that.
const RETRY_OPTIONS = {
  maxRetries: 5,
  retryDelayInMs: 300,
  maxRetryDelayInMs: 3000,
  timeoutInMs: 20_000,
  mode: 0,
};
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues
const MAX_DESCRIPTION_LENGTH = 4096;
const SERVICE_BUS_DEFAULT_TTL_MS = 24 * 3_600_000;

// Callers' topics may be many, and a connection bears 5,000 links; those used last stay open.
const MAX_SENDERS = 500;
// A broker that is there and silent: the SDK would try six times.
const SEND_TIMEOUT_MS = 20_000;

interface ServiceBusOptions {
  readonly maxSenders?: number;
  readonly sendTimeoutMs?: number;
}

/**
 * One Service Bus connection with one sender a queue or topic, made on first use. Scope: per instance.
 */
export class ServiceBus {
  readonly #connection: MessagingConnection;
  readonly #maxSenders: number;
  readonly #sendTimeoutMs: number;
  /** In the order of their last use. */
  readonly #senders = new Map<string, Promise<ServiceBusSender>>();
  #client: Promise<ServiceBusClient> | undefined;

  constructor(connection: MessagingConnection, options: ServiceBusOptions = {}) {
    const { maxSenders = MAX_SENDERS, sendTimeoutMs = SEND_TIMEOUT_MS } = options;
    this.#connection = connection;
    this.#maxSenders = maxSenders;
    this.#sendTimeoutMs = sendTimeoutMs;
  }

  /** The SDK's client; the library loads with the first call, not at start. */
  client(): Promise<ServiceBusClient> {
    this.#client ??= connect(this.#connection);
    return this.#client;
  }

  /**
   * Resolves when the broker has stored the message; rejects with `messaging-unavailable`, in time also
   * where the broker is silent. It may have stored the message then: sent again under its id it counts once.
   */
  async send(queue: string, message: OutgoingMessage): Promise<void> {
    try {
      const sender = await this.#sender(queue);
      const abortSignal = AbortSignal.timeout(this.#sendTimeoutMs);
      await sender.sendMessages(toServiceBus(message), { abortSignal });
    } catch (cause) {
      throw new GatewayError("messaging-unavailable", `Sending to ${queue} failed.`, {
        cause,
        retryAfterMs: 2000,
      });
    }
  }

  /**
   * Moves a message that a trigger holds to the dead letters. The trigger's own receiver can only
   * complete or abandon; a lock is settled by its token from anywhere, as that of a deferred message is.
   */
  async deadLetter(
    queue: string,
    lockToken: string,
    { reason, description }: DeadLetterCause,
  ): Promise<void> {
    const client = await this.client();
    const receiver = client.createReceiver(queue);
    try {
      const settling = receiver.deadLetterMessage(lockedElsewhere(lockToken), {
        deadLetterReason: reason,
        deadLetterErrorDescription: description.slice(0, MAX_DESCRIPTION_LENGTH),
      });
      await untilAborted(settling, AbortSignal.timeout(this.#sendTimeoutMs));
    } finally {
      // Not waited for: the broker may be silent.
      receiver.close().catch(() => {});
    }
  }

  /** Resolves in time also where the broker is gone: what is closed after it must get its turn. */
  async close(): Promise<void> {
    const client = await this.#client;
    if (client) await settleInTime(client.close());
  }

  #sender(queue: string): Promise<ServiceBusSender> {
    const known = this.#senders.get(queue);
    if (known !== undefined) this.#senders.delete(queue);
    const sender = known ?? this.client().then((client) => client.createSender(queue));
    this.#senders.set(queue, sender);
    if (this.#senders.size > this.#maxSenders) this.#closeOldest();
    return sender;
  }

  /** What it still sends fails, as when a connection is lost, and is sent again by whoever sent it. */
  #closeOldest(): void {
    for (const [queue, sender] of this.#senders) {
      this.#senders.delete(queue);
      sender.then((each) => each.close()).catch(() => {});
      return;
    }
  }
}

const toServiceBus = (message: OutgoingMessage): ServiceBusMessage => ({
  messageId: message.messageId,
  body: message.body,
  contentType: "application/json",
  timeToLive: Math.max(1, message.timeToLiveMs ?? SERVICE_BUS_DEFAULT_TTL_MS),
  ...(message.sessionId === undefined ? {} : { sessionId: message.sessionId }),
  ...(message.correlationId === undefined ? {} : { correlationId: message.correlationId }),
  ...(message.scheduledAt === undefined
    ? {}
    : { scheduledEnqueueTimeUtc: new Date(message.scheduledAt) }),
  ...(message.applicationProperties
    ? { applicationProperties: message.applicationProperties }
    : {}),
});

/** What the SDK takes for a message without a link of its own, and settles by its lock token. */
function lockedElsewhere(lockToken: string): ServiceBusReceivedMessage {
  const locked = { lockToken, body: undefined, delivery: {} };
  return locked as unknown as ServiceBusReceivedMessage;
}

async function connect(connection: MessagingConnection): Promise<ServiceBusClient> {
  const { ServiceBusClient } = await import("@azure/service-bus");
  const options = { retryOptions: RETRY_OPTIONS };
  if (connection.kind === "connectionString") {
    return new ServiceBusClient(connection.connectionString, options);
  }
  const { clientId, fullyQualifiedNamespace } = connection;
  const credential = await identityCredential(clientId);
  return new ServiceBusClient(fullyQualifiedNamespace, credential, options);
}
