import type { BatchFiles, BatchProgress, JobSnapshot } from "../../jobs/index.ts";
import { fromLongText, type Row } from "../../storage/index.ts";

/** The row of a job that says how far its batch has come. */
export const PROGRESS_ROW = "batch-progress";
/** The row of a job that says where its batch's files are. */
export const FILES_ROW = "batch-files";

/** What the rows of a job say of its batch. */
export function batchIn(rows: readonly Row[]): Pick<JobSnapshot, "progress" | "files"> {
  const progress = rows.find(({ rowKey }) => rowKey === PROGRESS_ROW);
  const files = rows.find(({ rowKey }) => rowKey === FILES_ROW);
  return {
    ...(progress ? { progress: fromLongText<BatchProgress>(progress) } : {}),
    ...(files ? { files: fromLongText<BatchFiles>(files) } : {}),
  };
}
