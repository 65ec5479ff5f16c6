import type { Clock } from "../../shared/core/clock.ts";
import { type LocalLog, StartError } from "../service.ts";
import { deadLetterPath, subscriptionPath } from "./amqp/address.ts";
import { MessageQueue } from "./entity/message-queue.ts";
import {
  type EntityDefinition,
  type EntitySettings,
  toDeadLetterSettings,
  toSettings,
} from "./entity/settings.ts";
import type { NamespaceDefinition, TopicDefinition } from "./index.ts";
import { DEFAULT_MAX_SIZE_MEGABYTES } from "./limits.ts";
import type { BrokerStore } from "./store/broker-store.ts";
import type { EntityKind, StoredEntity } from "./store/entity-store.ts";
import { DEFAULT_RULE, Rules } from "./topics/rules.ts";
import { Subscription } from "./topics/subscription.ts";
import { Topic } from "./topics/topic.ts";

/** What an address can lead to. */
export type Entity =
  | { readonly kind: "queue" | "deadLetter"; readonly queue: MessageQueue }
  | { readonly kind: "subscription"; readonly queue: MessageQueue; readonly rules: Rules }
  | { readonly kind: "topic"; readonly topic: Topic };

/** How many messages an entity holds, and in which state; locked ones count as active. */
export interface EntityCounts {
  readonly path: string;
  readonly active: number;
  readonly scheduled: number;
  readonly deferred: number;
  readonly deadLetter: number;
  readonly sizeBytes: number;
}

export interface NamespaceOptions {
  readonly definition: NamespaceDefinition;
  readonly store: BrokerStore;
  readonly clock: Clock;
  readonly log: LocalLog;
}

/** Every entity that this broker serves, by its path in lower case. Scope: one broker process. */
export class Namespace {
  readonly #entities = new Map<string, Entity>();
  readonly #stored: Map<string, StoredEntity>;
  readonly #store: BrokerStore;
  readonly #clock: Clock;
  readonly #log: LocalLog;

  constructor({ definition, store, clock, log }: NamespaceOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#stored = new Map(store.entities.list().map((entity) => [entity.key, entity]));
    for (const queue of definition.queues) {
      this.#mustBeNew(queue.name);
      this.#add(queue.name, { kind: "queue", queue: this.#queue(queue.name, "queue", queue) });
    }
    for (const topic of definition.topics) this.#addTopic(topic);
    this.#reportForgotten();
  }

  /** The entity at a path in lower case. */
  find(key: string): Entity | undefined {
    return this.#entities.get(key);
  }

  /** Counts of every queue, topic and subscription; of dead-letter queues within their owners. */
  counts(): EntityCounts[] {
    return [...this.#entities.values()].flatMap((entity) => {
      if (entity.kind === "deadLetter") return [];
      if (entity.kind === "topic") return [countsOf(entity.topic, 0)];
      return [countsOf(entity.queue, entity.queue.deadLetterQueue?.counts.active ?? 0)];
    });
  }

  /** Stops every timer. */
  close(): void {
    for (const entity of this.#entities.values()) {
      if (entity.kind === "topic") entity.topic.close();
      else entity.queue.close();
    }
  }

  #addTopic(definition: TopicDefinition): void {
    this.#mustBeNew(definition.name);
    const subscriptions = definition.subscriptions.map((one) => {
      const path = subscriptionPath(definition.name, one.name);
      this.#mustBeNew(path);
      const idBefore = this.#id(path);
      const { maxSizeInMegabytes = DEFAULT_MAX_SIZE_MEGABYTES } = definition;
      const queue = this.#queue(path, "subscription", { maxSizeInMegabytes, ...one });
      const id = this.#id(path);
      const rules = new Rules(id, this.#store);
      const createdAt = this.#clock.now();
      if (id !== idBefore) rules.add({ name: DEFAULT_RULE, filter: { kind: "true" }, createdAt });
      this.#add(path, { kind: "subscription", queue, rules });
      return new Subscription(queue, rules);
    });
    const settings = toSettings(definition.name, definition);
    const entity = this.#provide(definition.name, "topic", settings);
    const common = { path: definition.name, entity, settings, subscriptions };
    const topic = new Topic({ ...common, store: this.#store, clock: this.#clock });
    this.#add(definition.name, { kind: "topic", topic });
  }

  #queue(path: string, kind: EntityKind, definition: EntityDefinition): MessageQueue {
    const settings = toSettings(path, definition);
    const entity = this.#provide(path, kind, settings);
    const common = { store: this.#store, clock: this.#clock };
    const deadLetterSettings = toDeadLetterSettings(settings);
    const deadLetters = new MessageQueue({
      ...common,
      path: deadLetterPath(path),
      entity: this.#provide(deadLetterPath(path), "deadLetter", deadLetterSettings),
      settings: deadLetterSettings,
    });
    this.#add(deadLetters.path, { kind: "deadLetter", queue: deadLetters });
    return new MessageQueue({ ...common, path, entity, settings, deadLetterQueue: deadLetters });
  }

  #add(path: string, entity: Entity): void {
    this.#entities.set(path.toLowerCase(), entity);
  }

  #mustBeNew(path: string): void {
    if (!this.#entities.has(path.toLowerCase())) return;
    throw new StartError(`Service Bus entity "${path}" is defined twice.`);
  }

  #id(path: string): number {
    return this.#stored.get(path.toLowerCase())?.id ?? 0;
  }

  /** The stored entity of this name; made when absent, made anew when it is empty and unlike. */
  #provide(path: string, kind: EntityKind, settings: EntitySettings): StoredEntity {
    const { requiresSession, requiresDuplicateDetection } = settings;
    const key = path.toLowerCase();
    const wanted = { key, kind, requiresSession, requiresDuplicateDetection };
    const existing = this.#stored.get(key);
    const difference = existing && differenceOf(existing, wanted);
    if (existing && !difference) return existing;
    if (existing) this.#removeEmpty(path, existing, difference ?? "");
    const created = this.#store.change((entities) => entities.create(wanted));
    this.#stored.set(key, created);
    return created;
  }

  // Service Bus never changes these settings of an entity: one has to delete and make it again.
  #removeEmpty(path: string, existing: StoredEntity, difference: string): void {
    for (const _ of this.#store.records(existing.id)) {
      throw new StartError(
        `Service Bus entity "${path}" holds messages and was made with another ${difference}, which cannot change. Drain it, give it another name, or use another LOCAL_DATA_DIR.`,
      );
    }
    this.#store.change((entities) => entities.remove(existing.id));
    this.#log(`broker: made ${path} anew, because its ${difference} changed`);
  }

  #reportForgotten(): void {
    for (const { key, kind } of this.#stored.values()) {
      if (kind === "deadLetter" || this.#entities.has(key)) continue;
      this.#log(`broker: ${kind} ${key} is no longer defined; what it holds stays in the database`);
    }
  }
}

function differenceOf(
  existing: StoredEntity,
  wanted: Pick<StoredEntity, "kind" | "requiresSession" | "requiresDuplicateDetection">,
): string | undefined {
  if (existing.kind !== wanted.kind) return "kind";
  if (existing.requiresSession !== wanted.requiresSession) return "requiresSession";
  const isSame = existing.requiresDuplicateDetection === wanted.requiresDuplicateDetection;
  return isSame ? undefined : "requiresDuplicateDetection";
}

const countsOf = (
  entity: Pick<MessageQueue, "path" | "counts" | "usedBytes">,
  deadLetter: number,
): EntityCounts => ({
  path: entity.path,
  ...entity.counts,
  deadLetter,
  sizeBytes: entity.usedBytes,
});
