import type { UsageEvent } from "../usage/index.ts";
import { markerKeyOf } from "./ledger-row.ts";

/** Events on their way to the ledger, as one message brings them. */
export interface ToldUsage {
  /** The message's own: whatever is told again under it counts once. Without it each event stands for itself. */
  readonly id?: string | undefined;
  readonly events: readonly UsageEvent[];
}

/** Events that are counted together or not at all, and the key of the marker by which that is seen. */
export interface Portion {
  readonly marker: string;
  readonly events: readonly UsageEvent[];
}

// A transaction has room for 100 rows: for as many events as give at most that, with a row for each.
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
const MAX_ROWS = 100;
const MAX_TOGETHER = MAX_ROWS - 1;
const MAX_ALONE = MAX_ROWS / 2;

/**
 * Divides what a message tells of one partition into transactions, each of one portion or more. Events
 * that no other message will tell share a marker: it costs a row, and the same message always divides
 * alike. One that may come again in another message has a marker of its own.
 */
export function* transactionsOf({ id, events }: ToldUsage): Generator<readonly Portion[]> {
  const { alone = [], together = [] } = Object.groupBy(events, ({ mayComeAgain }) =>
    id === undefined || mayComeAgain ? "alone" : "together",
  );
  for (let at = 0; at < together.length; at += MAX_TOGETHER) {
    const marker = markerKeyOf(`${id} from ${at}`);
    yield [{ marker, events: together.slice(at, at + MAX_TOGETHER) }];
  }
  for (let at = 0; at < alone.length; at += MAX_ALONE) {
    const some = alone.slice(at, at + MAX_ALONE);
    yield some.map((event) => ({ marker: markerKeyOf(event.id), events: [event] }));
  }
}
