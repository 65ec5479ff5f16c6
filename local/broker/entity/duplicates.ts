import type { Clock } from "../../../shared/core/clock.ts";
import type { IncomingMessage } from "../amqp/incoming-message.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import type { EntitySettings } from "./settings.ts";

/**
 * Tells an entity's new messages from those whose id it has seen within its window. The ids are in
 * the store alone: a window of days would not fit in memory. Scope: one broker process.
 */
export class Duplicates {
  readonly #entityId: number;
  readonly #settings: EntitySettings;
  readonly #store: BrokerStore;
  readonly #clock: Clock;

  constructor(options: {
    entityId: number;
    settings: EntitySettings;
    store: BrokerStore;
    clock: Clock;
  }) {
    this.#entityId = options.entityId;
    this.#settings = options.settings;
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** Whether a message is new; remembers it if so. */
  isNew({ messageId }: IncomingMessage): boolean {
    if (!this.#settings.requiresDuplicateDetection) return true;
    const now = this.#clock.now();
    const expiresAt = now + this.#settings.duplicateWindowMs;
    const seen = { entityId: this.#entityId, messageId, now, expiresAt };
    return this.#store.change((entities) => entities.rememberId(seen));
  }
}
