import type { JobOutcome, JobRecord, JobSignal, JobSnapshot, JobStore } from "../jobs/index.ts";
import { fromLongText, type Row, type Table, toLongText } from "../storage/index.ts";

const JOB_ROW = "job";
const OUTCOME_ROW = "outcome";
const ATTEMPT_ROW_PREFIX = "attempt-";
const ENDED_ROW_PREFIX = "ended-";

// Four digits keep the rows of a partition in the order of the attempts.
const numbered = (prefix: string, attempt: number): string =>
  `${prefix}${String(attempt).padStart(4, "0")}`;

/**
 * Jobs as table rows, one partition a job: `job`, one `attempt-N` for each attempt that began, one
 * `ended-N` for each that is to be repeated, and `outcome`, inserted once. Values are JSON text, so
 * that a row reads the same whatever wrote it.
 */
export class TableJobStore implements JobStore {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async insert(job: JobRecord): Promise<void> {
    await this.#table.insert(rowOf(job.id, JOB_ROW, job));
  }

  async read(jobId: string): Promise<JobSnapshot | undefined> {
    const rows = await this.#table.readPartition(jobId);
    const job = rows.find(({ rowKey }) => rowKey === JOB_ROW);
    if (!job) return undefined;
    const attempts = rows.filter(({ rowKey }) => rowKey.startsWith(ATTEMPT_ROW_PREFIX));
    const outcome = rows.find(({ rowKey }) => rowKey === OUTCOME_ROW);
    const [first] = attempts;
    return {
      job: fromLongText<JobRecord>(job),
      attempts: attempts.length,
      startedAt: first && fromLongText<{ startedAt: number }>(first).startedAt,
      outcome: outcome && fromLongText<JobOutcome>(outcome),
    };
  }

  recordStart(jobId: string, attempt: number, startedAt: number): Promise<void> {
    return this.#table.upsert(rowOf(jobId, numbered(ATTEMPT_ROW_PREFIX, attempt), { startedAt }));
  }

  async recordRetry(jobId: string, attempt: number, retryAfterMs: number): Promise<void> {
    await this.#table.insert(rowOf(jobId, numbered(ENDED_ROW_PREFIX, attempt), { retryAfterMs }));
  }

  async signalOf(jobId: string, attempt: number): Promise<JobSignal | undefined> {
    const rows = await this.#table.readPartition(jobId);
    if (rows.some(({ rowKey }) => rowKey === OUTCOME_ROW)) return { attempt, isFinal: true };
    const ended = rows.find(({ rowKey }) => rowKey === numbered(ENDED_ROW_PREFIX, attempt));
    return ended && { attempt, isFinal: false, ...fromLongText<{ retryAfterMs: number }>(ended) };
  }

  async commitOutcome(jobId: string, outcome: JobOutcome): Promise<JobOutcome> {
    const isFirst = await this.#table.insert(rowOf(jobId, OUTCOME_ROW, outcome));
    if (isFirst) return outcome;
    const standing = await this.#table.get(jobId, OUTCOME_ROW);
    return standing ? fromLongText<JobOutcome>(standing) : outcome;
  }
}

const rowOf = (partitionKey: string, rowKey: string, value: object): Row => ({
  partitionKey,
  rowKey,
  ...toLongText(value),
});
