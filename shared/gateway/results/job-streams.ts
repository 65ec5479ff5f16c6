import { fromLongText, type Table, toLongText } from "../../storage/index.ts";

/** One stream of a job: every attempt that gets one writes a new one. */
export interface JobStream {
  /** 1 for the first; the newest is the one to follow, until the outcome names one. */
  readonly number: number;
  readonly blob: string;
  readonly attempt: number;
}

// Four digits keep the rows of a partition in the order of the streams.
const PREFIX = "stream-";
const BEFORE = "stream.";
const rowKeyOf = (number: number): string => `${PREFIX}${String(number).padStart(4, "0")}`;

/** Which streams a job has, as rows that are inserted once, in the job's partition. Scope: per instance. */
export class JobStreams {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Notes a new stream, and returns its number. Two that begin at once get different ones. */
  async begin(jobId: string, stream: Omit<JobStream, "number">): Promise<number> {
    const newest = await this.newest(jobId);
    for (let number = (newest?.number ?? 0) + 1; ; number++) {
      const row = { partitionKey: jobId, rowKey: rowKeyOf(number), ...toLongText(stream) };
      if (await this.#table.insert(row)) return number;
    }
  }

  async newest(jobId: string): Promise<JobStream | undefined> {
    const rows = await this.#table.readRange(jobId, { from: PREFIX, before: BEFORE });
    const last = rows.at(-1);
    if (!last?.rowKey) return undefined;
    const number = Number(last.rowKey.slice(PREFIX.length));
    return { ...fromLongText<Omit<JobStream, "number">>(last), number };
  }
}
