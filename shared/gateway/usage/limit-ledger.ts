import type { Clock } from "../../core/clock.ts";
import type { LimitBook, RemoteUse } from "../../limits/index.ts";
import type { Table } from "../../storage/index.ts";
import { type InstanceFacts, InstanceRows } from "../instance-rows.ts";

export interface LimitLedgerOptions {
  readonly book: LimitBook;
  readonly table: Table;
  readonly instanceId: string;
  readonly clock: Clock;
  /** Called when a round fails; the figures of the last good one stay in force. */
  onProblem(error: unknown): void;
}

/** One instance's use of all limits, as its row has it. */
interface InstanceUse extends InstanceFacts {
  readonly day: number;
  readonly subjects: Readonly<Record<string, RemoteUse>>;
}

type ToldUse = readonly [
  id: string,
  requestsInMinute: number,
  tokensInMinute: number,
  tokensToday: number,
  concurrent: number,
];

/** {@link InstanceUse} as short as it can be written: a row holds the use of thousands. */
interface UseRow extends Omit<InstanceUse, "subjects"> {
  readonly subjects: readonly ToldUse[];
}

// A row has room for a mebibyte, at two bytes a character.
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
const MAX_ROW_CHARACTERS = 480_000;

const PARTITION = "limitUse";
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
// An instance that has not written for so long is gone, and what it ran is gone with it.
const ALIVE_MS = 10_000;

/**
 * Shares the use of limits between instances. So a limit holds exactly within an instance, and across
 * instances with a delay of about a second. What it holds is global; the object itself: per instance.
 */
export class LimitLedger extends InstanceRows<UseRow> {
  constructor({ book, ...rows }: LimitLedgerOptions) {
    super({
      ...rows,
      partition: PARTITION,
      forgetAfterMs: 2 * DAY_MS,
      tell: (now) => useOf(book, now),
      hear: (others, now) => book.replaceRemote(sumOf(others.map(instanceUseOf), now), now),
    });
  }
}

function useOf(book: LimitBook, now: number): UseRow | undefined {
  const subjects = toldOf([...book.local(now)].filter(([, use]) => isInUse(use)));
  if (subjects.length === 0) return undefined;
  return { updatedAt: now, day: Math.floor(now / DAY_MS), subjects };
}

const isInUse = (use: RemoteUse): boolean =>
  // A correction of what another instance counted is negative here, and must be told like any other.
  [use.requestsInMinute, use.tokensInMinute, use.tokensToday, use.concurrent].some((n) => n !== 0);

/** What a row has room for; where that is not all, those who use the most. */
function toldOf(uses: readonly (readonly [id: string, use: RemoteUse])[]): ToldUse[] {
  const told = uses.map(
    ([id, use]): ToldUse => [
      id,
      use.requestsInMinute,
      use.tokensInMinute,
      use.tokensToday,
      use.concurrent,
    ],
  );
  if (JSON.stringify(told).length <= MAX_ROW_CHARACTERS) return told;
  let room = MAX_ROW_CHARACTERS;
  return told
    .toSorted((a, b) => b[1] + b[4] - a[1] - a[4])
    .filter((use) => {
      room -= JSON.stringify(use).length + 1;
      return room > 0;
    });
}

function instanceUseOf({ updatedAt, day, subjects }: UseRow): InstanceUse {
  const uses = subjects.map(
    ([id, requestsInMinute, tokensInMinute, tokensToday, concurrent]) =>
      [id, { requestsInMinute, tokensInMinute, tokensToday, concurrent }] as const,
  );
  return { updatedAt, day, subjects: Object.fromEntries(uses) };
}

/** Adds up what other instances use, leaving out what is too old to count. */
export function sumOf(others: readonly InstanceUse[], nowMs: number): Map<string, RemoteUse> {
  const today = Math.floor(nowMs / DAY_MS);
  const sum = new Map<string, RemoteUse>();
  for (const { updatedAt, day, subjects } of others) {
    // Its clock may be a little ahead: nobody has used more for that.
    const ageMs = Math.max(0, nowMs - updatedAt);
    // What was counted a while ago has partly left the minute since.
    const minutePart = Math.max(0, 1 - ageMs / MINUTE_MS);
    for (const [id, use] of Object.entries(subjects)) {
      const known = sum.get(id);
      sum.set(id, {
        requestsInMinute: (known?.requestsInMinute ?? 0) + use.requestsInMinute * minutePart,
        tokensInMinute: (known?.tokensInMinute ?? 0) + use.tokensInMinute * minutePart,
        tokensToday: (known?.tokensToday ?? 0) + (day === today ? use.tokensToday : 0),
        concurrent: (known?.concurrent ?? 0) + (ageMs < ALIVE_MS ? use.concurrent : 0),
      });
    }
  }
  return sum;
}
