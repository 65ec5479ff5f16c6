import type { Clock } from "../../../shared/core/clock.ts";
import type { BrokerStore } from "../store/broker-store.ts";

/** The states that an entity's sessions keep, with or without messages. Scope: one broker process. */
export class SessionStates {
  readonly #entityId: number;
  readonly #store: BrokerStore;
  readonly #clock: Clock;

  constructor(options: { entityId: number; store: BrokerStore; clock: Clock }) {
    this.#entityId = options.entityId;
    this.#store = options.store;
    this.#clock = options.clock;
  }

  get(sessionId: string): Buffer | undefined {
    return this.#store.entities.sessionState(this.#entityId, sessionId);
  }

  /** Sets a session's state; undefined clears it. */
  set(sessionId: string, state: Buffer | undefined): void {
    const change = { entityId: this.#entityId, sessionId, state, now: this.#clock.now() };
    this.#store.change((entities) => entities.setSessionState(change));
  }

  /** Ids of the sessions whose state changed after a time. */
  changedSince(updatedAfter: number): string[] {
    return this.#store.entities.sessionsWithState(this.#entityId, updatedAfter);
  }
}
