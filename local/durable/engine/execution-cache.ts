import { type HistoryEvent, playedText } from "../history-events.ts";
import { emptyLedger, enterEvents, type Ledger } from "../planner/ledger.ts";
import type { InstanceRow } from "../store/instance-table.ts";
import type { Store } from "../store/store.ts";

/** An execution's history in the two forms an episode needs. */
export interface Execution {
  executionId: string;
  chunks: number;
  /** The events as the text of a JSON array without its brackets. */
  historyText: string;
  ledger: Ledger;
}

// Text costs one or two bytes a character; the ledgers come to about as much again.
const MAX_CACHED_CHARS = 32 * 1024 * 1024;

/**
 * Histories of instances that ran lately. Every episode replays the whole history; without this an
 * instance of n episodes would read n(n+1)/2 rows and parse each of them, only to learn what it
 * wrote itself a moment ago. An episode takes its entry out and puts it back after its commit, so
 * an episode that fails leaves nothing wrong behind. Scope: one engine.
 */
export class ExecutionCache {
  readonly #store: Store;
  readonly #entries = new Map<string, Execution>();
  #chars = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Takes the execution out of the cache, or reads it from the store. */
  take(row: InstanceRow): Execution {
    const entry = this.#entries.get(row.instanceId);
    this.forget(row.instanceId);
    if (entry?.executionId === row.executionId && entry.chunks === row.chunks) return entry;
    return this.#read(row);
  }

  put(instanceId: string, execution: Execution): void {
    this.forget(instanceId);
    this.#entries.set(instanceId, execution);
    this.#chars += execution.historyText.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#chars <= MAX_CACHED_CHARS) return;
      this.forget(oldest);
    }
  }

  forget(instanceId: string): void {
    const entry = this.#entries.get(instanceId);
    if (!entry) return;
    this.#entries.delete(instanceId);
    this.#chars -= entry.historyText.length;
  }

  #read(row: InstanceRow): Execution {
    const execution: Execution = {
      executionId: row.executionId,
      chunks: 0,
      historyText: "",
      ledger: emptyLedger(),
    };
    for (const text of this.#store.instances.readHistory(row.instanceId)) {
      append(execution, JSON.parse(`[${text}]`) as HistoryEvent[], text);
    }
    return execution;
  }
}

/** Adds a committed chunk to an execution. */
export function append(execution: Execution, events: readonly HistoryEvent[], text: string): void {
  execution.historyText += (execution.historyText && ",") + text;
  execution.chunks += 1;
  enterEvents(execution.ledger, events);
}

/** Events as the text of a JSON array without its brackets, marked as played. */
export function chunkText(events: readonly HistoryEvent[]): string {
  return events.map((event) => playedText(JSON.stringify(event))).join(",");
}
