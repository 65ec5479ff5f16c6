import { createHash } from "node:crypto";
import type { FinalState, JobListRange, JobRecord } from "../../jobs/index.ts";
import { type RowRange, toLongText } from "../../storage/index.ts";

/** What a row of an owner's list holds. */
export interface ListedJob {
  readonly jobId: string;
  readonly state?: FinalState;
}

// Counted down from here, later times come first in the order of the keys.
const LAST_TIME_MS = 9_999_999_999_999;
const TIME_DIGITS = 13;
// Behind every key that begins with a digit.
const END = ":";

const timeKey = (epochMs: number): string =>
  String(Math.max(0, LAST_TIME_MS - epochMs)).padStart(TIME_DIGITS, "0");

/** Partition of an owner's list; a hash, because an owner's name may hold what a key may not. */
export const listPartition = (owner: string): string =>
  `owner-${createHash("sha256").update(owner).digest("hex")}`;

/** Key of a job in its owner's list: newest first. */
export const listKey = ({ id, createdAt }: Pick<JobRecord, "id" | "createdAt">): string =>
  `${timeKey(createdAt)}-${id}`;

/** The row of a job in its owner's list. */
export function listRow(job: Pick<JobRecord, "id" | "owner" | "createdAt">, listed: ListedJob) {
  return {
    partitionKey: listPartition(job.owner),
    rowKey: listKey(job),
    ...toLongText(listed),
  };
}

/** The keys of a part of an owner's list. */
export function listRange({ createdAfter, createdBefore, behind, atMost }: JobListRange): RowRange {
  // The time key of `createdBefore` itself belongs to jobs made in that millisecond, which are not before.
  const newest = createdBefore === undefined ? "0" : timeKey(createdBefore - 1);
  // The least key that is greater than the last one listed.
  const next = behind === undefined ? "0" : `${behind}!`;
  return {
    from: next > newest ? next : newest,
    before: createdAfter === undefined ? END : `${timeKey(createdAfter)}${END}`,
    atMost,
  };
}
