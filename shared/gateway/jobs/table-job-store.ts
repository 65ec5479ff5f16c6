import {
  type AttemptEnd,
  FIRST_TURN,
  type FinalState,
  type JobLease,
  type JobListing,
  type JobListRange,
  type JobOutcome,
  type JobRecord,
  type JobSignal,
  type JobSnapshot,
  type JobStore,
  type JobTurn,
  type JobWait,
  type OutcomeFiles,
  type ProviderWork,
  type RunningAttempt,
  wordOf,
} from "../../jobs/index.ts";
import {
  fromLongText,
  GatheredUpserts,
  type Row,
  type Table,
  toLongText,
} from "../../storage/index.ts";
import { attemptsIn, endRowKey, type TurnUse, turnRowKey } from "./job-attempt-rows.ts";
import { batchIn } from "./job-batch-rows.ts";
import { firstEventRow } from "./job-event-rows.ts";
import { type ListedJob, listKey, listPartition, listRange, listRow } from "./job-list-rows.ts";

const JOB_ROW = "job";
const OUTCOME_ROW = "outcome";
const LEASE_ROW = "lease";
const WAIT_ROW = "wait";
const ACCOUNT_ROW = "accounted";
const PROVIDER_PREFIX = "provider-";

/** What stands in the place of the job of a request whose caller had the answer: it is no job any more. */
interface Answered {
  readonly answeredAt: number;
}

/** What stands in the place of a job that was begun, and that nobody stored in time. */
interface GivenUp {
  readonly givenUpAt: number;
}

/**
 * Jobs as table rows, one partition a job: `job`, one `attempt-N-E` for each turn that was used, one
 * `ended-N` for each attempt that is to be repeated, `provider-N` for one whose work a provider has taken
 * over, and `outcome`, inserted once. Values are JSON
 * text, so that a row reads the same whatever wrote it. A partition an owner lists the owner's jobs.
 */
export class TableJobStore implements JobStore {
  readonly #table: Table;
  /** The jobs of one owner come together, and their list is one partition. */
  readonly #lists: GatheredUpserts;
  readonly #files: OutcomeFiles | undefined;

  constructor(table: Table, files?: OutcomeFiles) {
    this.#table = table;
    this.#lists = new GatheredUpserts(table);
    this.#files = files;
  }

  /** The log is opened with the job: one transaction costs little more than one row. */
  async insert(job: JobRecord, running?: RunningAttempt): Promise<boolean> {
    const rows = [rowOf(job.id, JOB_ROW, job), firstEventRow(job), ...rowsOf(job.id, running)];
    const [isNew] = await Promise.all([
      this.#table.transact(rows.map((row) => ({ kind: "insert", row }) as const)),
      this.#lists.upsert(listRow(job, { jobId: job.id })),
    ]);
    return isNew;
  }

  async giveUp(jobId: string, givenUpAt: number): Promise<boolean> {
    const row = rowOf(jobId, JOB_ROW, { givenUpAt } satisfies GivenUp);
    for (;;) {
      if (await this.#table.insert(row)) return true;
      const standing = await this.#table.get(jobId, JOB_ROW);
      if (recordIn(standing)) return false;
      if (!standing) continue;
      // Each engine leaves a mark of its own: who saw an older one must not take the job up.
      const etag = markIn(standing);
      if (etag === undefined || (await this.#replace(row, etag))) return true;
    }
  }

  async givenUp(jobId: string): Promise<string | undefined> {
    const row = await this.#table.get(jobId, JOB_ROW);
    return row && markIn(row);
  }

  takeUp(jobId: string, mark: string): Promise<void> {
    return this.#table.removeUnchanged({ partitionKey: jobId, rowKey: JOB_ROW, etag: mark });
  }

  async noteAnswered(requestId: string, answeredAt: number): Promise<boolean> {
    return this.#table.insert(rowOf(requestId, JOB_ROW, { answeredAt } satisfies Answered));
  }

  async forgetAnswered(requestId: string): Promise<void> {
    const row = await this.#table.get(requestId, JOB_ROW);
    if (row && !recordIn(row)) await this.#table.removeUnchanged(row);
  }

  async isPromoted(requestId: string): Promise<boolean> {
    const row = await this.#table.get(requestId, JOB_ROW);
    return row !== undefined && recordIn(row) !== undefined;
  }

  async read(jobId: string): Promise<JobSnapshot | undefined> {
    const rows = await this.#table.readPartition(jobId);
    const job = recordIn(rows.find(({ rowKey }) => rowKey === JOB_ROW));
    if (!job) return undefined;
    const { history, turn, priority = job.priority } = attemptsIn(rows);
    const outcome = rows.find(({ rowKey }) => rowKey === OUTCOME_ROW);
    const lease = rows.find(({ rowKey }) => rowKey === LEASE_ROW);
    const wait = rows.find(({ rowKey }) => rowKey === WAIT_ROW);
    return {
      job,
      priority,
      attempts: history.length,
      history,
      startedAt: history[0]?.startedAt,
      turn,
      provider: providerIn(rows),
      ...batchIn(rows),
      lease: lease && fromLongText<JobLease>(lease),
      wait: wait && fromLongText<JobWait>(wait),
      outcome: outcome && fromLongText<JobOutcome>(outcome),
      isAccounted: rows.some(({ rowKey }) => rowKey === ACCOUNT_ROW),
    };
  }

  async recordStart(jobId: string, turn: JobTurn, startedAt: number): Promise<boolean> {
    return "startedAt" in (await this.#use(jobId, turn, { startedAt }));
  }

  async move(jobId: string, turn: JobTurn, priority: number): Promise<boolean> {
    return "movedTo" in (await this.#use(jobId, turn, { movedTo: priority }));
  }

  async recordRetry(jobId: string, attempt: number, end: AttemptEnd): Promise<void> {
    await this.#table.insert(rowOf(jobId, endRowKey(attempt), end));
  }

  async recordHandOver(jobId: string, work: ProviderWork): Promise<ProviderWork> {
    const rowKey = `${PROVIDER_PREFIX}${String(work.attempt).padStart(4, "0")}`;
    if (await this.#table.insert(rowOf(jobId, rowKey, work))) return work;
    const standing = await this.#table.get(jobId, rowKey);
    return standing ? fromLongText<ProviderWork>(standing) : work;
  }

  async signalOf(jobId: string, attempt: number): Promise<JobSignal | undefined> {
    const snapshot = await this.read(jobId);
    return snapshot && wordOf(snapshot, { attempt, epoch: Number.POSITIVE_INFINITY });
  }

  async commitOutcome(jobId: string, outcome: JobOutcome): Promise<JobOutcome> {
    const prepared = await this.#prepare(jobId, outcome);
    const isFirst = await this.#table.insert(rowOf(jobId, OUTCOME_ROW, prepared));
    const row = isFirst ? undefined : await this.#table.get(jobId, OUTCOME_ROW);
    const standing = row ? fromLongText<JobOutcome>(row) : prepared;
    await this.#files?.settle(standing);
    return standing;
  }

  /** The files come first: whoever reads the row, or is told of it, finds them. */
  async #prepare(jobId: string, outcome: JobOutcome): Promise<JobOutcome> {
    if (!this.#files) return outcome;
    const job = recordIn(await this.#table.get(jobId, JOB_ROW));
    return job ? this.#files.prepare(job, outcome) : outcome;
  }

  takeAccount(jobId: string): Promise<boolean> {
    return this.#table.insert(rowOf(jobId, ACCOUNT_ROW, {}));
  }

  async hasEnded(jobId: string): Promise<boolean> {
    return (await this.#table.get(jobId, OUTCOME_ROW)) !== undefined;
  }

  renewLease(jobId: string, lease: JobLease): Promise<void> {
    return this.#table.upsert(rowOf(jobId, LEASE_ROW, lease));
  }

  noteWait(jobId: string, wait: JobWait): Promise<void> {
    return this.#table.upsert(rowOf(jobId, WAIT_ROW, wait));
  }

  async list(owner: string, range: JobListRange): Promise<readonly JobListing[]> {
    const rows = await this.#table.readRange(listPartition(owner), listRange(range));
    return rows.map((row) => {
      const { jobId, state } = fromLongText<ListedJob>(row);
      return { jobId, place: row.rowKey ?? "", state };
    });
  }

  noteListed(job: Pick<JobRecord, "id" | "owner" | "createdAt">, state: FinalState): Promise<void> {
    return this.#lists.upsert(listRow(job, { jobId: job.id, state }));
  }

  async remove(jobId: string): Promise<void> {
    const rows = await this.#table.readPartition(jobId);
    // The record goes last: a removal that breaks off is begun again by whoever finds it.
    const last = rows.findIndex(({ rowKey }) => rowKey === JOB_ROW);
    const record = last < 0 ? [] : rows.splice(last, 1);
    const job = recordIn(record[0]);
    if (job) await this.#table.remove(listPartition(job.owner), listKey(job));
    for (const { rowKey = "" } of [...rows, ...record]) await this.#table.remove(jobId, rowKey);
  }

  #replace(row: ReturnType<typeof rowOf>, etag: string): Promise<boolean> {
    return this.#table.transact([{ kind: "replace", row, etag }]);
  }

  /** Uses a turn, and returns how it was used: whoever comes first decides. */
  async #use(jobId: string, turn: JobTurn, use: TurnUse): Promise<TurnUse> {
    const rowKey = turnRowKey(turn);
    if (await this.#table.insert(rowOf(jobId, rowKey, use))) return use;
    const standing = await this.#table.get(jobId, rowKey);
    return standing ? fromLongText<TurnUse>(standing) : use;
  }
}

function rowsOf(jobId: string, running: RunningAttempt | undefined) {
  if (!running) return [];
  const { startedAt, lease } = running;
  return [
    rowOf(jobId, turnRowKey(FIRST_TURN), { startedAt } satisfies TurnUse),
    rowOf(jobId, LEASE_ROW, lease),
  ];
}

/** Rows come in the order of their keys, so that the last attempt's is the last. */
function providerIn(rows: readonly Row[]): ProviderWork | undefined {
  const row = rows.findLast(({ rowKey = "" }) => rowKey.startsWith(PROVIDER_PREFIX));
  return row && fromLongText<ProviderWork>(row);
}

function recordIn(row: Row | undefined): JobRecord | undefined {
  const value = row && fromLongText<JobRecord | Answered | GivenUp>(row);
  return value && "id" in value ? value : undefined;
}

/** The version of a row that says that its job was given up; undefined for any other. */
function markIn(row: Row): string | undefined {
  const isGivenUp = "givenUpAt" in fromLongText<JobRecord | Answered | GivenUp>(row);
  return isGivenUp && typeof row["etag"] === "string" ? row["etag"] : undefined;
}

const rowOf = (partitionKey: string, rowKey: string, value: object) => ({
  partitionKey,
  rowKey,
  ...toLongText(value),
});
