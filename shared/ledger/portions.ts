import type { UsageEvent } from "../usage/index.ts";
import { keptMarkerOf, type LedgerRow, markerKeyOf, partitionOf, rowOf } from "./ledger-row.ts";

/** What one message tells the ledger. */
export interface ToldUsage {
  /** The message's own: the sums of one that comes again count once. */
  readonly id: string;
  /** Of events that no other message tells. */
  readonly sums: readonly LedgerRow[];
  /** Those that another message may tell, too: each counts once by its own id. */
  readonly events: readonly UsageEvent[];
}

/** Rows that are counted together or not at all, and the key of the marker by which that is seen. */
export interface Portion {
  readonly marker: string;
  readonly rows: readonly LedgerRow[];
}

/** The portions that change together, within one partition. */
export type Transaction = readonly Portion[];

// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
const MAX_ROWS = 100;
// A marker for all, or one for each.
const MAX_SUMS = MAX_ROWS - 1;
const MAX_EVENTS = MAX_ROWS / 2;

/** Divides what a message tells into transactions, by partition: the same message always divides alike. */
export function transactionsOf({ id, sums, events }: ToldUsage): Map<string, Transaction[]> {
  const transactions = new Map<string, Transaction[]>();
  const add = (partition: string, portions: Transaction): void => {
    transactions.set(partition, [...(transactions.get(partition) ?? []), portions]);
  };
  for (const [partition, all] of Map.groupBy(sums, (s) => partitionOf(s.user, s.hourAt))) {
    for (let at = 0; at < all.length; at += MAX_SUMS) {
      const rows = all.slice(at, at + MAX_SUMS);
      add(partition, [{ marker: markerKeyOf(`${id} from ${at}`), rows }]);
    }
  }
  const known = new Map(events.map((event) => [event.id, event])).values();
  for (const [partition, all] of Map.groupBy(known, (e) => partitionOf(e.user, e.endedAt))) {
    for (let at = 0; at < all.length; at += MAX_EVENTS) {
      const some = all.slice(at, at + MAX_EVENTS);
      add(
        partition,
        some.map((event) => ({ marker: keptMarkerOf(event.id), rows: [rowOf(event)] })),
      );
    }
  }
  return transactions;
}
