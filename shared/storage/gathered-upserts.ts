import { GatewayError } from "../core/errors.ts";
import { MAX_CHANGES, type Table, type TableChange } from "./table.ts";

type UpsertRow = Extract<TableChange, { kind: "upsert" }>["row"];

/** Rows of one partition that wait for the next write, by their keys: a transaction takes each key once. */
interface Gathering {
  readonly rows: Map<string, UpsertRow>;
  readonly written: PromiseWithResolvers<void>;
}

/**
 * Upserts rows, those of one partition together where they come while it is being written: the more
 * come, the less each costs, and one that comes alone waits for nothing. Scope: per instance.
 */
export class GatheredUpserts {
  readonly #table: Pick<Table, "upsert" | "transact">;
  /** What waits in each partition that is being written, oldest first. */
  readonly #partitions = new Map<string, Gathering[]>();

  constructor(table: Pick<Table, "upsert" | "transact">) {
    this.#table = table;
  }

  /** Resolves when the row stands. */
  async upsert(row: UpsertRow): Promise<void> {
    const waiting = this.#partitions.get(row.partitionKey);
    if (waiting) {
      const { promise } = gatheringFor(waiting, row).written;
      // One row that cannot be written takes no other along.
      return promise.catch(() => this.#table.upsert(row));
    }
    const mine: Gathering[] = [];
    this.#partitions.set(row.partitionKey, mine);
    try {
      await this.#table.upsert(row);
    } finally {
      // Not awaited: those who came meanwhile wait for it themselves.
      void this.#writeOn(row.partitionKey, mine);
    }
  }

  async #writeOn(partitionKey: string, waiting: Gathering[]): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { rows, written } = next;
      await this.#write([...rows.values()]).then(written.resolve, written.reject);
    }
    this.#partitions.delete(partitionKey);
  }

  async #write(rows: readonly UpsertRow[]): Promise<void> {
    const [first] = rows;
    if (first && rows.length === 1) return this.#table.upsert(first);
    const areWritten = await this.#table.transact(rows.map((row) => ({ kind: "upsert", row })));
    if (!areWritten) throw new GatewayError("storage-unavailable", "The rows were not written.");
  }
}

function gatheringFor(waiting: Gathering[], row: UpsertRow): Gathering {
  const last = waiting.at(-1);
  const gathering =
    last && last.rows.size < MAX_CHANGES
      ? last
      : { rows: new Map<string, UpsertRow>(), written: Promise.withResolvers<void>() };
  if (gathering !== last) waiting.push(gathering);
  gathering.rows.set(row.rowKey, row);
  return gathering;
}
