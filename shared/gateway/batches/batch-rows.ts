import type { BatchFiles, BatchProgress, JobUsage } from "../../jobs/index.ts";
import { type BlobContainer, fromLongText, type Table, toLongText } from "../../storage/index.ts";
import { FILES_ROW, PROGRESS_ROW } from "../jobs/job-batch-rows.ts";

/** A line of a batch that is done, as it goes into a file. */
export interface DoneLine {
  readonly line: number;
  readonly isOk: boolean;
  readonly output: string;
  /** What its answer used. */
  readonly usage?: JobUsage;
}

/** Where a line stands: in which piece, and as which one of the whole batch. */
export interface LinePlace {
  readonly jobId: string;
  readonly piece: number;
  readonly line: number;
}

// A row holds a mebibyte in UTF-16; what is longer waits in a blob.
const MAX_ROW_CHARACTERS = 400_000;

const partitionOf = (jobId: string, piece: number): string => `${jobId}-piece-${padded(piece)}`;
const padded = (number: number): string => String(number).padStart(6, "0");

type Kept = Pick<DoneLine, "usage"> & ({ readonly output: string } | { readonly blob: string });

/**
 * The lines of batches: those to do as one blob a piece, those that are done as one row each, inserted
 * once, in a partition a piece. Scope of what it holds: global.
 */
export class BatchRows {
  readonly #table: Table;
  readonly #blobs: BlobContainer;

  constructor(table: Table, blobs: BlobContainer) {
    this.#table = table;
    this.#blobs = blobs;
  }

  writePiece(jobId: string, piece: number, lines: readonly object[]): Promise<void> {
    const text = JSON.stringify(lines);
    return this.#blobs.write(pieceName(jobId, piece), Buffer.from(text), "application/json");
  }

  async readPiece<Line>(jobId: string, piece: number): Promise<readonly Line[]> {
    const bytes = await this.#blobs.read(pieceName(jobId, piece));
    return JSON.parse(Buffer.from(bytes).toString()) as readonly Line[];
  }

  async isDone({ jobId, piece, line }: LinePlace): Promise<boolean> {
    return (await this.#table.get(partitionOf(jobId, piece), padded(line))) !== undefined;
  }

  /** Keeps what came of a line; the first to say so stands, and only that one is told true. */
  async insert(
    { jobId, piece, line }: LinePlace,
    { isOk, output, usage }: DoneLine,
  ): Promise<boolean> {
    const used = usage ? { usage } : {};
    let kept: Kept = { output, ...used };
    if (output.length > MAX_ROW_CHARACTERS) {
      const blob = `${jobId}/lines/${padded(line)}`;
      await this.#blobs.write(blob, Buffer.from(output), "application/json");
      kept = { blob, ...used };
    }
    const keys = { partitionKey: partitionOf(jobId, piece), rowKey: padded(line) };
    return this.#table.insert({ ...keys, isOk, ...toLongText(kept) });
  }

  async count(jobId: string, piece: number): Promise<BatchProgress> {
    const rows = await this.#table.readPartition(partitionOf(jobId, piece), ["RowKey", "isOk"]);
    const completed = rows.filter((row) => row["isOk"] === true).length;
    return { completed, failed: rows.length - completed };
  }

  async readDone(jobId: string, piece: number): Promise<ReadonlyMap<number, DoneLine>> {
    const rows = await this.#table.readPartition(partitionOf(jobId, piece));
    const done = new Map<number, DoneLine>();
    for (const row of rows) {
      const kept = fromLongText<Kept>(row);
      const line = Number(row.rowKey);
      const output = "output" in kept ? kept.output : await this.#textOf(kept.blob);
      const { usage } = kept;
      done.set(line, { line, isOk: row["isOk"] === true, output, ...(usage ? { usage } : {}) });
    }
    return done;
  }

  /** Keeps how far a batch has come, for whoever asks. */
  noteProgress(jobId: string, progress: BatchProgress): Promise<void> {
    const keys = { partitionKey: jobId, rowKey: PROGRESS_ROW };
    return this.#table.upsert({ ...keys, ...toLongText(progress) });
  }

  /** Keeps where a batch's files are; returns the ones that stand. */
  async noteFiles(jobId: string, files: BatchFiles): Promise<BatchFiles> {
    const keys = { partitionKey: jobId, rowKey: FILES_ROW };
    if (await this.#table.insert({ ...keys, ...toLongText(files) })) return files;
    const standing = await this.#table.get(jobId, FILES_ROW);
    return standing ? fromLongText<BatchFiles>(standing) : files;
  }

  /** Forgets the lines of a batch; its blobs go with those of its job. */
  async remove(jobId: string, pieces: number): Promise<void> {
    for (let piece = 0; piece < pieces; piece++) {
      const partition = partitionOf(jobId, piece);
      for (const { rowKey = "" } of await this.#table.readPartition(partition, ["RowKey"])) {
        await this.#table.remove(partition, rowKey);
      }
    }
  }

  async #textOf(blob: string): Promise<string> {
    return Buffer.from(await this.#blobs.read(blob)).toString();
  }
}

const pieceName = (jobId: string, piece: number): string => `${jobId}/pieces/${padded(piece)}`;
