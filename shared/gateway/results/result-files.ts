import { ERRORS, type ErrorCode, GatewayError } from "../../core/errors.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import { problemResponse } from "../../core/problem.ts";
import type {
  FinalState,
  JobOutcome,
  JobRecord,
  JobResult,
  JobSnapshot,
  OutcomeFiles,
  ResultPlace,
} from "../../jobs/index.ts";
import {
  type BlobContainer,
  type BlobContent,
  type BlobRange,
  type BlobStore,
  fromLongText,
  type Table,
  toLongText,
} from "../../storage/index.ts";
import { responseHeaders } from "../forwarded-headers.ts";
import { resultHeadersFile } from "./result-headers-file.ts";

/** What the results of jobs are kept in. */
export interface ResultFilesOptions {
  /** The gateway's own container: what attempts write, and results without a place of their own. */
  readonly own: BlobContainer;
  readonly blobs: Pick<BlobStore, "container">;
  /** The table of jobs, in whose partitions decisions stand. */
  readonly table: Table;
  /** The plain address of a blob. */
  uriOf(container: string, name: string): Promise<string>;
}

const DECISION_ROW = "decision";

/** Name of the file beside a result. */
export const headersFileOf = (jobId: string): string => `${jobId}-Headers`;

/**
 * The files of results: `{guid}`, the exact bytes, and `{guid}-Headers` beside it. Attempts write bytes
 * under names of their own. Before the files are made, a row that is inserted once decides whose bytes
 * they hold, so that late duplicates can only make the same files again. Scope: per instance.
 */
export class ResultFiles implements OutcomeFiles {
  readonly #options: ResultFilesOptions;

  constructor(options: ResultFilesOptions) {
    this.#options = options;
  }

  async prepare(job: JobRecord, outcome: JobOutcome): Promise<JobOutcome> {
    const { results: place } = job;
    if (!place) return outcome;
    const decided = await this.#decide(job.id, outcome);
    const answer = await this.#placeData(job, place, decided);
    const dataUri = await this.#options.uriOf(place.container, job.id);
    const facts = { ...answer, endedAt: decided.endedAt, dataUri };
    await this.#options.blobs
      .container(place.container)
      .write(headersFileOf(job.id), resultHeadersFile(job, facts), "application/json");
    return decided.result ? { ...decided, result: placed(job, place, decided.result) } : decided;
  }

  async settle({ result }: JobOutcome): Promise<void> {
    // A copy has the bytes. What is left over when this fails goes when the job does.
    if (result?.source !== undefined) await this.#options.own.remove(result.source).catch(() => {});
  }

  /** Opens a result's bytes, or a range of them; undefined when they are gone. */
  open({ container, blob }: JobResult, range?: BlobRange): Promise<BlobContent | undefined> {
    const { own, blobs } = this.#options;
    return (container === undefined ? own : blobs.container(container)).readStream(blob, range);
  }

  /** Removes all that is kept of a job's results. */
  async remove({ job }: Pick<JobSnapshot, "job">): Promise<void> {
    const { own, blobs } = this.#options;
    if (job.results) {
      const container = blobs.container(job.results.container);
      await container.remove(job.id);
      await container.remove(headersFileOf(job.id));
    }
    await own.removeAll(`${job.id}/`);
  }

  /** The first to insert decides, as with the outcome; everybody after that makes that one's files. */
  async #decide(jobId: string, outcome: JobOutcome): Promise<JobOutcome> {
    const { table } = this.#options;
    const keys = { partitionKey: jobId, rowKey: DECISION_ROW };
    if (await table.insert({ ...keys, ...toLongText(outcome) })) return outcome;
    const standing = await table.get(keys.partitionKey, keys.rowKey);
    return standing ? fromLongText<JobOutcome>(standing) : outcome;
  }

  async #placeData(
    { id }: JobRecord,
    { container }: ResultPlace,
    { result, error, state }: JobOutcome,
  ): Promise<{ status: number; headers: HeaderList }> {
    const { own, blobs } = this.#options;
    const target = blobs.container(container);
    if (result) {
      // False when whoever was first has cleared its bytes away: then the outcome is announced already.
      await target.copyFrom(own, result.blob, id);
      return { status: result.status, headers: responseHeaders(result.headers, []) };
    }
    const problem = problemOf(id, error ?? { code: CODES[state], detail: `The job ${state}.` });
    await target.write(id, problem.bytes, headerValue(problem.headers, "content-type"));
    return problem;
  }
}

/** Codes of those ends that say no other. */
const CODES: Readonly<Record<FinalState, ErrorCode>> = {
  succeeded: "internal",
  failed: "internal",
  expired: "ttl-expired",
  cancelled: "client-closed",
};

const placed = ({ id }: JobRecord, { container }: ResultPlace, result: JobResult): JobResult => ({
  ...result,
  container,
  blob: id,
  source: result.blob,
});

/** Where the gateway itself ended the job, its file is the answer that a waiting client would have got. */
function problemOf(
  id: string,
  { code, detail }: { code: string; detail: string },
): { status: number; headers: HeaderList; bytes: Uint8Array } {
  const known = (Object.hasOwn(ERRORS, code) ? code : "internal") as ErrorCode;
  const { status, headers, body } = problemResponse(new GatewayError(known, detail), id);
  return { status, headers, bytes: body as Uint8Array };
}
