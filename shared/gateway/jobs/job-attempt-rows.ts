import type { AttemptEnd, JobAttempt, JobTurn } from "../../jobs/index.ts";
import { fromLongText, type Row } from "../../storage/index.ts";

/** How a turn was used: its attempt began, or its job was moved to the lane of another class. */
export type TurnUse = { readonly startedAt: number } | { readonly movedTo: number };

const TURN_PREFIX = "attempt-";
const END_PREFIX = "ended-";

// Four digits keep the rows of a partition in the order of the attempts.
const numbered = (number: number): string => String(number).padStart(4, "0");

/** Key of the row that says how a turn was used. */
export const turnRowKey = ({ attempt, epoch }: JobTurn): string =>
  `${TURN_PREFIX}${numbered(attempt)}-${numbered(epoch)}`;

/** Key of the row that says how an attempt ended that is to be repeated. */
export const endRowKey = (attempt: number): string => `${END_PREFIX}${numbered(attempt)}`;

/** What a job's rows say of its attempts. */
export interface Attempts {
  readonly history: readonly JobAttempt[];
  readonly turn: JobTurn;
  /** The class to which the job was moved last, if ever. */
  readonly priority: number | undefined;
}

/** Reads the attempts out of a job's rows, which come in the order of their keys. */
export function attemptsIn(rows: readonly Row[]): Attempts {
  const ends = new Map<number, AttemptEnd>();
  const starts = new Map<number, number>();
  const moves = new Map<number, number>();
  let priority: number | undefined;
  for (const row of rows) {
    const [, kind, attempt] = /^(attempt|ended)-(\d{4,})/.exec(row.rowKey ?? "") ?? [];
    const number = Number(attempt);
    if (kind === "ended") ends.set(number, fromLongText<AttemptEnd>(row));
    if (kind !== "attempt") continue;
    const use = fromLongText<TurnUse>(row);
    if ("startedAt" in use) {
      starts.set(number, use.startedAt);
    } else {
      moves.set(number, (moves.get(number) ?? 0) + 1);
      priority = use.movedTo;
    }
  }
  // Ends are noted for attempts whose beginning never was: a worker that died in between.
  for (const [attempt, { endedAt }] of ends) if (!starts.has(attempt)) starts.set(attempt, endedAt);
  const history = [...starts].map(([attempt, startedAt]): JobAttempt => {
    const end = ends.get(attempt);
    return end ? { attempt, startedAt, end } : { attempt, startedAt };
  });
  const attempt = Math.max(0, ...ends.keys()) + 1;
  return { history, turn: { attempt, epoch: moves.get(attempt) ?? 0 }, priority };
}
