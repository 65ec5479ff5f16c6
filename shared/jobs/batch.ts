import type { TraceFields } from "../core/trace-context.ts";

/** How the lines of a batch are kept: in pieces, so that no step handles all of them. */
export interface BatchFacts {
  readonly lines: number;
  /** How many lines each piece has. */
  readonly pieces: readonly number[];
}

/** How far a batch has come. */
export interface BatchProgress {
  readonly completed: number;
  readonly failed: number;
}

/** Where the orchestrator of a batch stands. Plain data: it travels through `continueAsNew`. */
export interface BatchCursor {
  /** The piece whose lines go into the lane next. */
  readonly next: number;
  /** Pieces whose lines are in the lane, and not all done. */
  readonly open: readonly number[];
  /** What came of the pieces that are done. */
  readonly closed: BatchProgress;
  /** What came of all lines so far. */
  readonly progress: BatchProgress;
  /** True when every line is done, or nobody wants the rest any more. */
  readonly isOver: boolean;
}

/** What the orchestrator of a batch is started with. */
export interface BatchEngineInput {
  readonly kind: "batch";
  readonly jobId: string;
  readonly expiresAt: number;
  /** Where in a trace the batch was asked for. */
  readonly trace?: TraceFields;
}

/** A batch of which nothing has been done. */
export const FIRST_CURSOR: BatchCursor = {
  next: 0,
  open: [],
  closed: { completed: 0, failed: 0 },
  progress: { completed: 0, failed: 0 },
  isOver: false,
};

/** Lines that are in the lane at a time: enough for every worker, few enough to leave room to others. */
export const OPEN_LINES = 300;

/** The cursor after a look at the pieces that were open, and which pieces go into the lane now. */
export function moveCursor(
  cursor: BatchCursor,
  done: ReadonlyMap<number, BatchProgress>,
  { pieces }: BatchFacts,
): { readonly cursor: BatchCursor; readonly send: readonly number[] } {
  const countOf = (piece: number): BatchProgress => done.get(piece) ?? NOTHING;
  const isDone = (piece: number): boolean => {
    const { completed, failed } = countOf(piece);
    return completed + failed >= (pieces[piece] ?? 0);
  };
  const closed = cursor.open.filter(isDone).map(countOf).reduce(sum, cursor.closed);
  const open = cursor.open.filter((piece) => !isDone(piece));
  const progress = open.map(countOf).reduce(sum, closed);
  const left = (piece: number): number => {
    const { completed, failed } = countOf(piece);
    return (pieces[piece] ?? 0) - completed - failed;
  };
  let waiting = open.reduce((lines, piece) => lines + left(piece), 0);
  const send: number[] = [];
  let { next } = cursor;
  for (; next < pieces.length && waiting < OPEN_LINES; next++) {
    send.push(next);
    waiting += pieces[next] ?? 0;
  }
  const isOver = next >= pieces.length && open.length + send.length === 0;
  return { cursor: { next, open: [...open, ...send], closed, progress, isOver }, send };
}

const NOTHING: BatchProgress = { completed: 0, failed: 0 };

const sum = (one: BatchProgress, other: BatchProgress): BatchProgress => ({
  completed: one.completed + other.completed,
  failed: one.failed + other.failed,
});

const FIRST_LOOK_MS = 1000;
const MAX_LOOK_MS = 15_000;

/** How long to wait before the next look, after so many that found nothing new. */
export function batchLookMs(idleLooks: number): number {
  return Math.min(MAX_LOOK_MS, Math.round(FIRST_LOOK_MS * 1.5 ** idleLooks));
}
