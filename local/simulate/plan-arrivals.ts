import type { PriorityClass } from "../../shared/core/domain.ts";
import { seededRandom } from "../replay/seeded-random.ts";
import type { TraceRow } from "../replay/trace-row.ts";
import type { ClassShares } from "./class-shares.ts";

/** A request of the trace, with what is drawn where the trace does not say it. */
export interface SimulatedRequest {
  /** Its place in the simulation, from 1. */
  readonly number: number;
  /** Epoch milliseconds, whole. */
  readonly arrivesAt: number;
  readonly contextTokens: number;
  readonly generatedTokens: number;
  readonly userId: string;
  readonly priorityClass: PriorityClass;
  readonly isStream: boolean;
}

export interface ArrivalOptions {
  readonly seed: number;
  readonly classes: ClassShares;
  /** How many users there are; the k-th sends a k-th of what the first one does. */
  readonly users: number;
  /** The part of the requests that ask for a stream, 0 to 1. */
  readonly streamShare: number;
  readonly limit: number;
  /** Of the trace, in milliseconds after its first arrival; from the first up to before the second. */
  readonly fromMs: number;
  readonly toMs: number;
}

// Keeps the choices apart from other draws of the same seed.
const CHOICE_SALT = 0x0dd5eed;

type Rows = AsyncIterable<TraceRow> | Iterable<TraceRow>;

/**
 * Makes requests of the rows. Each row takes the same draws, so that neither the window nor the policy
 * changes whose it is.
 */
export async function* planArrivals(
  rows: Rows,
  options: ArrivalOptions,
): AsyncGenerator<SimulatedRequest, void, undefined> {
  const { classes, streamShare, limit, fromMs, toMs } = options;
  const random = seededRandom(options.seed ^ CHOICE_SALT);
  const userAt = zipf(options.users);
  let firstAtMs: number | undefined;
  let number = 0;
  for await (const row of rows) {
    firstAtMs ??= row.atMs;
    const [classDraw, userDraw, streamDraw] = [random(), random(), random()];
    const offsetMs = row.atMs - firstAtMs;
    if (offsetMs >= toMs || number >= limit) return;
    if (offsetMs < fromMs) continue;
    number += 1;
    yield {
      number,
      arrivesAt: Math.round(row.atMs),
      contextTokens: row.contextTokens,
      generatedTokens: row.generatedTokens,
      userId: row.userId ?? `user-${userAt(userDraw)}`,
      priorityClass: row.priorityClass ?? classes.at(classDraw),
      isStream: streamDraw < streamShare,
    };
  }
}

/** Which of `count` users stands at a point from 0 to 1, when the k-th has a k-th of the first's share. */
function zipf(count: number): (point: number) => number {
  const ends: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= count; rank++) {
    total += 1 / rank;
    ends.push(total);
  }
  return (point) => {
    const found = ends.findIndex((end) => point * total < end);
    return found < 0 ? count : found + 1;
  };
}
