import { type Clock, delay } from "../core/clock.ts";
import { fromLongText, type Row, type Table, toLongText } from "../storage/index.ts";

/** What each instance tells the others, as its row has it. */
export interface InstanceFacts {
  readonly updatedAt: number;
}

export interface InstanceRowsOptions<Facts extends InstanceFacts> {
  readonly table: Table;
  readonly partition: string;
  readonly instanceId: string;
  readonly clock: Clock;
  /** What to tell the others now; nothing is written where there is nothing to say. */
  tell(nowMs: number): Facts | undefined;
  /** Takes over what all others have told. */
  hear(others: readonly Facts[], nowMs: number): void;
  /** From which age on a row is removed, by whoever finds it. */
  readonly forgetAfterMs: number;
  /** Called when a round fails; what was heard last stays in force. */
  onProblem(error: unknown): void;
}

const INTERVAL_MS = 1000;

/**
 * Keeps what instances must know of each other: each writes one row a second, and reads the others'.
 * The rows are global; the object itself: per instance.
 */
export class InstanceRows<Facts extends InstanceFacts> {
  readonly #options: InstanceRowsOptions<Facts>;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #hasRow = false;

  constructor(options: InstanceRowsOptions<Facts>) {
    this.#options = options;
  }

  /** Begins to exchange; called when there is first something to share, so that nothing runs for nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** One exchange: tell the others, then listen to them. */
  async exchange(): Promise<void> {
    await this.#write();
    await this.#read();
  }

  async #run(): Promise<void> {
    const { clock, onProblem } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.exchange().catch(onProblem);
      await delay(clock, INTERVAL_MS, signal).catch(() => {});
    }
  }

  async #write(): Promise<void> {
    const { table, partition, instanceId, clock, tell } = this.#options;
    const facts = tell(clock.now());
    if (facts) {
      this.#hasRow = true;
      await table.upsert({ partitionKey: partition, rowKey: instanceId, ...toLongText(facts) });
    } else if (this.#hasRow) {
      await table.remove(partition, instanceId);
      this.#hasRow = false;
    }
  }

  async #read(): Promise<void> {
    const { table, partition, instanceId, clock, hear, forgetAfterMs } = this.#options;
    const rows = await table.readPartition(partition);
    const now = clock.now();
    const others = rows
      .filter(({ rowKey }) => rowKey !== instanceId)
      .map((row) => ({ row, facts: fromLongText<Facts>(row) }));
    const isForgotten = ({ facts }: { facts: Facts }): boolean =>
      now - facts.updatedAt > forgetAfterMs;
    hear(
      others.filter((other) => !isForgotten(other)).map(({ facts }) => facts),
      now,
    );
    await this.#forget(others.filter(isForgotten).map(({ row }) => row));
  }

  async #forget(rows: readonly Row[]): Promise<void> {
    for (const row of rows) await this.#options.table.removeUnchanged(row);
  }
}
