import type { PriorityClass } from "../core/domain.ts";

/** Slots set aside: class to count. */
export type Reservations = ReadonlyMap<PriorityClass, number>;

/** What a `PriorityWorkers` setting says, and everything that is wrong with it. */
export interface PriorityWorkers {
  readonly reservations: Reservations;
  readonly problems: readonly string[];
}

/**
 * Reads `PriorityWorkers`: pairs `class:count`, separated by commas. The reserved slots together must
 * be fewer than `capacity`, so that every class has one that it may use.
 */
export function parsePriorityWorkers(text: string, capacity: number): PriorityWorkers {
  const reservations = new Map<PriorityClass, number>();
  const problems: string[] = [];
  for (const pair of text.split(",").map((part) => part.trim())) {
    if (pair === "") continue;
    const read = readPair(pair);
    if (typeof read === "string") problems.push(`PriorityWorkers: ${read}`);
    else if (reservations.has(read.priority)) {
      problems.push(`PriorityWorkers: class ${read.priority} is named twice`);
    } else reservations.set(read.priority, read.count);
  }
  const total = [...reservations.values()].reduce((sum, count) => sum + count, 0);
  if (total > 0 && total >= capacity) {
    problems.push(
      `PriorityWorkers: ${total} reserved slots must be fewer than the ${capacity} of Workers`,
    );
  }
  return { reservations, problems };
}

function readPair(pair: string): string | { priority: PriorityClass; count: number } {
  const match = /^(\d{1,9})\s*:\s*(\d{1,9})$/.exec(pair);
  if (!match) return `"${pair}" is not a pair class:count of whole numbers`;
  const priority = Number(match[1]);
  if (priority === 0) return `"${pair}": class 0 is for probes, the most urgent class is 1`;
  return { priority, count: Number(match[2]) };
}
