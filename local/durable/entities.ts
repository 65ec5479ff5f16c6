import type { EngineContext } from "./engine/engine-context.ts";
import { missingFunction, registeredName } from "./engine/function-names.ts";
import { newId } from "./engine/start-instance.ts";
import { entityIdOf, schedulerId } from "./entity-id.ts";
import { historyEvent } from "./history-events.ts";
import type { EntityMessage } from "./store/entity-table.ts";

/** The default of `maxEntityOperationBatchSize` in host.json. */
const MAX_BATCH = 50;

interface OperationResult {
  isError?: boolean;
  /** JSON text. */
  result?: string;
}

interface EntityAnswer {
  entityExists?: boolean;
  /** JSON text. */
  entityState?: string | null;
  results?: OperationResult[];
  signals?: { target: { name: string; key: string }; name: string; input?: string }[];
}

/** Runs entity operations, one batch per entity at a time, without locks. Scope: one engine. */
export class Entities {
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Runs the operations that wait for an entity; resolves with true when some may be left. */
  async run(entityId: string): Promise<boolean> {
    const { store } = this.#context;
    const batch = store.entities.readMessages(entityId, MAX_BATCH);
    if (batch.length === 0) return false;
    const answer = await this.#invoke(entityId, batch);
    await store.commit(() => {
      store.entities.deleteMessages(batch);
      if (answer.entityExists) store.entities.put(entityId, answer.entityState ?? null);
      else store.entities.delete(entityId);
      for (const [index, message] of batch.entries()) {
        this.#answer(message, answer.results?.[index] ?? {});
      }
      for (const signal of answer.signals ?? []) this.#signal(signal);
    });
    return batch.length === MAX_BATCH;
  }

  async #invoke(entityId: string, batch: readonly EntityMessage[]): Promise<EntityAnswer> {
    const { store, functions, log } = this.#context;
    const self = entityIdOf(entityId);
    const state = store.entities.state(entityId);
    const exists = state !== undefined;
    const operations = batch.map(({ requestId, operation, input, callerId }) => ({
      id: requestId,
      name: operation,
      ...(input === null ? {} : { input }),
      isSignal: callerId === null,
    }));
    try {
      const name = registeredName(functions.entities, self.name);
      if (name === undefined) throw new Error(missingFunction(self.name, "entity"));
      const trigger = { self, exists, state: state ?? null, batch: operations };
      return JSON.parse(await functions.invokeEntity(name, JSON.stringify(trigger)));
    } catch (error) {
      // Nothing of the batch counts: the state stays and every caller hears of it.
      const result = JSON.stringify(error instanceof Error ? error.message : String(error));
      log(`Durable: entity ${entityId} failed: ${result}`);
      const results = batch.map(() => ({ isError: true, result }));
      return { entityExists: exists, entityState: state ?? null, results };
    }
  }

  #answer({ requestId, callerId, callerExecutionId }: EntityMessage, outcome: OperationResult) {
    if (callerId === null) return;
    const { store, clock } = this.#context;
    const response = {
      // The SDK parses it, and takes an absent one for undefined.
      ...(outcome.result === undefined ? {} : { result: outcome.result }),
      ...(outcome.isError ? { exceptionType: "Error" } : {}),
    };
    const event = historyEvent("EventRaised", clock.now(), {
      Name: requestId,
      Input: JSON.stringify(response),
    });
    store.sendMessage(callerId, callerExecutionId, event);
  }

  #signal({ target, name, input }: NonNullable<EntityAnswer["signals"]>[number]): void {
    this.#context.store.sendToEntity(schedulerId(target), {
      operation: name,
      input: input || null,
      requestId: newId(),
      callerId: null,
      callerExecutionId: null,
    });
  }
}
