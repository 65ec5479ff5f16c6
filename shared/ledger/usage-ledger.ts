import { type Clock, delay } from "../core/clock.ts";
import type { Random } from "../core/domain.ts";
import type { UsageEvent } from "../usage/index.ts";
import {
  addCounts,
  dayOf,
  foldRows,
  type LedgerRow,
  MARKERS,
  ownerKeyOf,
  partitionOf,
  ROWS,
  toEntity,
  toLedgerRow,
} from "./ledger-row.ts";
import type { LedgerEntity, LedgerTable, RowChange } from "./ledger-table.ts";
import { type ToldUsage, type Transaction, transactionsOf } from "./portions.ts";

export interface UsageLedgerOptions {
  readonly table: LedgerTable;
  readonly clock: Clock;
  readonly random: Random;
}

const MAX_TRIES = 12;
const MAX_PAUSE_MS = 400;
/** A row that many write at once becomes several, which readers add up. */
const SHARDS = 8;
const DAY_MS = 86_400_000;

/** Thrown when others changed the same rows again and again; whoever has the message tries later. */
class LedgerBusyError extends Error {
  override readonly name = "LedgerBusyError";
}

/**
 * Counts what was used, each use once: a marker and the rows that it counts to change in one transaction,
 * so that what is told again changes nothing. The table is global; the object itself: per instance.
 */
export class UsageLedger {
  readonly #options: UsageLedgerOptions;

  constructor(options: UsageLedgerOptions) {
    this.#options = options;
  }

  /** Resolves when all is counted; where it rejects some may be, and telling all again is safe. */
  async record(told: ToldUsage): Promise<void> {
    const events = await Promise.all(told.events.map((event) => this.#ofItsOwner(event)));
    const counted = [...transactionsOf({ ...told, events })].map(([partition, transactions]) =>
      this.#recordIn(partition, transactions),
    );
    await Promise.all(counted);
  }

  /** Pages of the rows of a span, of one user or of all. Times are epoch milliseconds. */
  async *read({ fromAt, beforeAt, user }: LedgerSpan): AsyncGenerator<readonly LedgerRow[]> {
    for (const range of rangesOf({ fromAt, beforeAt, user })) {
      const found = this.#options.table.pages({
        ...range,
        fromRow: ROWS.from,
        beforeRow: ROWS.before,
      });
      for await (const page of found) {
        const rows = page.map(toLedgerRow);
        yield rows.filter(({ hourAt }) => hourAt >= fromAt && hourAt < beforeAt);
      }
    }
  }

  /** Removes markers of a span of days that were made before a time; returns how many. */
  async forgetMarkers({ fromAt, beforeAt, madeBefore, signal }: MarkerSpan): Promise<number> {
    const { table } = this.#options;
    let removed = 0;
    const found = table.pages({
      fromPartition: dayOf(fromAt),
      beforePartition: dayOf(beforeAt),
      fromRow: MARKERS.from,
      beforeRow: MARKERS.before,
    });
    for await (const page of found) {
      const old = page.filter(({ madeAt }) => Date.parse(String(madeAt)) < madeBefore);
      for (const [partition, rows] of Map.groupBy(old, ({ partitionKey }) => partitionKey)) {
        const keys = rows.map(({ rowKey }) => rowKey);
        await table.removeAll(partition, keys);
        removed += keys.length;
      }
      if (signal.aborted) break;
    }
    return removed;
  }

  /**
   * Removes all of the days before the one that a time is in, the oldest first; returns how many rows. What
   * it has no time for is for the next time.
   */
  async forgetDays({ beforeAt, endAt, signal }: DaySpan): Promise<number> {
    const { table, clock } = this.#options;
    let removed = 0;
    const found = table.pages({
      fromPartition: "",
      beforePartition: dayOf(beforeAt),
      fromRow: MARKERS.from,
      beforeRow: ROWS.before,
    });
    for await (const page of found) {
      for (const [partition, rows] of Map.groupBy(page, ({ partitionKey }) => partitionKey)) {
        if (signal.aborted || clock.now() >= endAt) return removed;
        const keys = rows.map(({ rowKey }) => rowKey);
        await table.removeAll(partition, keys);
        removed += keys.length;
      }
    }
    return removed;
  }

  /** Work in the background counts for whoever was told of it first; that is written before it counts. */
  async #ofItsOwner(event: UsageEvent): Promise<UsageEvent> {
    const { work, endedAt, user, group = "" } = event;
    if (work === undefined) return event;
    const { table } = this.#options;
    const { partitionKey, rowKey } = ownerKeyOf(work, endedAt);
    const row = { partitionKey, rowKey, user, group };
    const owner =
      (await table.get(partitionKey, rowKey)) ??
      ((await table.transact([{ kind: "insert", row }]))
        ? row
        : await table.get(partitionKey, rowKey));
    return owner ? { ...event, user: String(owner["user"]), group: String(owner["group"]) } : event;
  }

  async #recordIn(partition: string, transactions: readonly Transaction[]): Promise<void> {
    for (const portions of transactions) await this.#recordTogether(partition, portions);
  }

  async #recordTogether(partition: string, portions: Transaction): Promise<void> {
    const { table, clock, random } = this.#options;
    let left = portions;
    let shard = 0;
    for (let tries = 1; ; tries++) {
      if (await table.transact(await this.#changesOf(partition, left, shard))) return;
      if (tries === MAX_TRIES) throw new LedgerBusyError("The rows are changed by many at once.");
      // Told before, or somebody else was quicker: what is left is tried on rows of its own.
      left = await this.#uncounted(partition, left);
      if (left.length === 0) return;
      shard = Math.floor(random() * SHARDS);
      await delay(clock, random() * Math.min(MAX_PAUSE_MS, 10 * 2 ** tries));
    }
  }

  async #changesOf(
    partitionKey: string,
    portions: Transaction,
    shard: number,
  ): Promise<RowChange[]> {
    const madeAt = new Date(this.#options.clock.now()).toISOString();
    const markers = portions.map(
      ({ marker }): RowChange => ({
        kind: "insert",
        row: { partitionKey, rowKey: marker, madeAt },
      }),
    );
    const rows = foldRows(portions.flatMap((portion) => portion.rows));
    const changes = rows.map((row) => this.#rowChange(row, shard));
    return [...markers, ...(await Promise.all(changes))];
  }

  async #rowChange(row: LedgerRow, shard: number): Promise<RowChange> {
    const fresh = toEntity(row, shard);
    const known = await this.#options.table.get(fresh.partitionKey, fresh.rowKey);
    if (!known) return { kind: "insert", row: fresh };
    const sum = { ...row, ...addCounts(toLedgerRow(known), row) };
    return { kind: "replace", row: toEntity(sum, shard), etag: etagOf(known) };
  }

  async #uncounted(partition: string, portions: Transaction): Promise<Transaction> {
    const { table } = this.#options;
    const found = await Promise.all(portions.map(({ marker }) => table.get(partition, marker)));
    return portions.filter((_, index) => found[index] === undefined);
  }
}

/** Which hours, and whose. */
export interface LedgerSpan {
  readonly fromAt: number;
  readonly beforeAt: number;
  /** Everybody unless given. */
  readonly user?: string | undefined;
}

export interface MarkerSpan {
  readonly fromAt: number;
  readonly beforeAt: number;
  readonly madeBefore: number;
  readonly signal: AbortSignal;
}

export interface DaySpan {
  readonly beforeAt: number;
  /** When to leave the rest for the next time; epoch milliseconds. */
  readonly endAt: number;
  readonly signal: AbortSignal;
}

/** Everybody's days lie side by side; one user's are a partition each. */
function* rangesOf({ fromAt, beforeAt, user }: LedgerSpan) {
  if (user === undefined) {
    const lastDay = dayOf(Math.max(fromAt, beforeAt - 1));
    yield { fromPartition: dayOf(fromAt), beforePartition: `${lastDay}~~` };
    return;
  }
  for (let day = Math.floor(fromAt / DAY_MS) * DAY_MS; day < beforeAt; day += DAY_MS) {
    const partition = partitionOf(user, day);
    yield { fromPartition: partition, beforePartition: `${partition}~` };
  }
}

const etagOf = ({ etag }: LedgerEntity): string => (typeof etag === "string" ? etag : "*");
