import type { DatabaseSync } from "node:sqlite";
import type { HistoryEvent } from "../history-events.ts";
import type { CommitNotes } from "./commit-notes.ts";
import { type EntityMessage, EntityTable } from "./entity-table.ts";
import { GroupCommit } from "./group-commit.ts";
import { InstanceTable } from "./instance-table.ts";
import { MessageTable } from "./message-table.ts";
import { openDatabase } from "./open-database.ts";
import { type TimerRow, TimerTable } from "./timer-table.ts";
import { type WorkItem, WorkTable } from "./work-table.ts";

/** Where the database is, and who is told of each commit. */
export interface StoreOptions {
  dataDir: string;
  hubName: string;
  onCommit: (notes: CommitNotes) => void;
}

/**
 * Everything the engine must not lose. Reads see what is committed; writes belong inside
 * {@link Store.commit}. Whatever hands somebody something to do goes through the methods here, which
 * note it, so that no writer can forget to wake anyone. Scope: one engine.
 */
export class Store {
  readonly instances: InstanceTable;
  readonly messages: MessageTable;
  readonly work: WorkTable;
  readonly timers: TimerTable;
  readonly entities: EntityTable;
  readonly #db: DatabaseSync;
  readonly #commits: GroupCommit;

  constructor({ dataDir, hubName, onCommit }: StoreOptions) {
    this.#db = openDatabase(dataDir, hubName);
    this.#commits = new GroupCommit(this.#db, onCommit);
    this.instances = new InstanceTable(this.#db);
    this.messages = new MessageTable(this.#db);
    this.work = new WorkTable(this.#db);
    this.timers = new TimerTable(this.#db);
    this.entities = new EntityTable(this.#db);
  }

  /** Runs a repeatable step in a transaction; resolves with its result once that is committed. */
  commit<T>(step: () => T): Promise<T> {
    return this.#commits.run(step);
  }

  sendMessage(instanceId: string, executionId: string | null, event: HistoryEvent): void {
    this.messages.insert(instanceId, executionId, event);
    this.#commits.notes.instances.add(instanceId);
  }

  sendToEntity(entityId: string, message: Omit<EntityMessage, "id">): void {
    this.entities.insertMessage(entityId, message);
    this.#commits.notes.entities.add(entityId);
  }

  scheduleWork(item: Omit<WorkItem, "id">): void {
    this.work.insert(item);
    this.#commits.notes.hasWork = true;
  }

  createTimer(timer: TimerRow): void {
    this.timers.insert(timer);
    const { notes } = this.#commits;
    notes.timerDueAt = Math.min(notes.timerDueAt, timer.fireAt);
  }

  noteEnd(instanceId: string): void {
    this.#commits.notes.ended.add(instanceId);
  }

  /** Forgets an instance with all that belongs to it. */
  purge(instanceId: string): void {
    this.instances.delete(instanceId);
    this.messages.deleteAll(instanceId);
    this.work.deleteAll(instanceId);
    this.timers.deleteAll(instanceId);
  }

  /** Commits what waits, folds the write-ahead log into the file, and closes it. */
  close(): void {
    this.#commits.flush();
    this.#db.close();
  }
}
