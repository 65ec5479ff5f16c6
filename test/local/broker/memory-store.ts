import { type IncomingMessage, readMessage } from "../../../local/broker/amqp/incoming-message.ts";
import { types } from "../../../local/broker/amqp/rhea.ts";
import { encode, mapOf, sectionOf } from "../../../local/broker/amqp/typed.ts";
import type { Consumer, Delivery } from "../../../local/broker/entity/consumer.ts";
import { MessageQueue } from "../../../local/broker/entity/message-queue.ts";
import {
  type EntityDefinition,
  toDeadLetterSettings,
  toSettings,
} from "../../../local/broker/entity/settings.ts";
import { BrokerStore } from "../../../local/broker/store/broker-store.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";

/** A store that lives as long as its test. */
export const memoryStore = (): BrokerStore =>
  new BrokerStore(":memory:", (error) => {
    throw error;
  });

/** A queue over a store in memory, with a clock that the test moves. */
export function testQueue(definition: EntityDefinition = {}) {
  const store = memoryStore();
  const clock = new FakeClock();
  return { store, clock, ...makeQueue({ store, clock, definition }) };
}

/** A queue and its dead-letter queue, as a start of the broker makes them. */
export function makeQueue(options: {
  store: BrokerStore;
  clock: FakeClock;
  definition?: EntityDefinition;
}) {
  const { store, clock, definition = {} } = options;
  const settings = toSettings("q", definition);
  const { requiresSession, requiresDuplicateDetection } = settings;
  const entity = (key: string) =>
    store.entities.list().find((stored) => stored.key === key) ??
    store.change((entities) =>
      entities.create({ key, kind: "queue", requiresSession, requiresDuplicateDetection }),
    );
  const deadLetterQueue = new MessageQueue({
    path: "q/$DeadLetterQueue",
    entity: entity("q/$deadletterqueue"),
    settings: toDeadLetterSettings(settings),
    store,
    clock,
  });
  const common = { path: "q", entity: entity("q"), settings, store, clock };
  return { queue: new MessageQueue({ ...common, deadLetterQueue }), deadLetterQueue };
}

export interface MessageFields {
  body?: string;
  messageId?: string;
  sessionId?: string;
  ttlMs?: number;
  scheduledAt?: number;
}

/** A message as a client would send it. */
export function message(fields: MessageFields = {}): IncomingMessage {
  const { body = "body", messageId, sessionId, ttlMs, scheduledAt } = fields;
  const none = types.Null();
  const text = (value: string | undefined) =>
    value === undefined ? none : types.wrap_string(value);
  const sections = [];
  if (ttlMs !== undefined) {
    sections.push(sectionOf("header", types.wrap_list([none, none, types.wrap_uint(ttlMs)])));
  }
  if (scheduledAt !== undefined) {
    const key = types.wrap_symbol("x-opt-scheduled-enqueue-time");
    const entries = types.Map32([key, types.wrap_timestamp(scheduledAt)]);
    sections.push(sectionOf("messageAnnotations", entries));
  }
  const middle = Array.from({ length: 9 }, () => none);
  const properties = [text(messageId), ...middle, text(sessionId)];
  sections.push(sectionOf("properties", types.wrap_list(properties)));
  sections.push(sectionOf("applicationProperties", mapOf({})));
  sections.push(sectionOf("value", types.wrap_string(body)));
  return readMessage(encode(...sections));
}

/** A consumer that keeps what it is given. Scope: one test. */
export class TestConsumer implements Consumer {
  readonly settleMode: Consumer["settleMode"];
  readonly deliveries: Delivery[] = [];
  credit: number;

  constructor(credit = 1_000, settleMode: Consumer["settleMode"] = "peekLock") {
    this.credit = credit;
    this.settleMode = settleMode;
  }

  takeCredit(): boolean {
    if (this.credit === 0) return false;
    this.credit -= 1;
    return true;
  }

  deliver(delivery: Delivery): void {
    this.deliveries.push(delivery);
  }

  sessionLost(): void {}

  get sequenceNumbers(): number[] {
    return this.deliveries.map(({ broker }) => broker.sequenceNumber);
  }

  /** The lock of the last delivery. */
  get lock() {
    const lock = this.deliveries.at(-1)?.lock;
    if (!lock) throw new Error("Nothing is locked.");
    return lock;
  }
}

export { settle };
