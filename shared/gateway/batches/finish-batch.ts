import { GatewayError } from "../../core/errors.ts";
import {
  addUsage,
  type BatchFiles,
  type BatchLine,
  type JobResult,
  type JobSnapshot,
  type JobUsage,
  lineOutput,
} from "../../jobs/index.ts";
import { endJob } from "../jobs/job-transitions.ts";
import type { JobServices, Services } from "../services.ts";

const JSONL = "application/jsonl";
// As OpenAI names them.
const CANCELLED = {
  code: "batch_cancelled",
  message: "The batch was cancelled before this line was done.",
};
const EXPIRED = {
  code: "batch_expired",
  message: "The batch expired before this line was done.",
};

/**
 * Makes one output and one error file of all lines, in the order of the input, and ends the job unless
 * that was cancelled or has expired: then the lines that are not done are in the error file.
 */
export async function finishBatch(services: Services, jobId: string): Promise<void> {
  const jobs = required(services);
  const snapshot = await jobs.store.read(jobId);
  if (!snapshot?.job.batch) return;
  const files = snapshot.files ?? (await makeFiles(services, snapshot));
  if (snapshot.outcome) return;
  const ended = { state: "succeeded", endedAt: services.clock.now(), attempt: 1 } as const;
  await endJob({ services, jobs, jobId }, { ...ended, result: files.output });
}

async function makeFiles(services: Services, snapshot: JobSnapshot): Promise<BatchFiles> {
  const { id } = snapshot.job;
  const { batches } = required(services);
  const tally: Tally = {
    failed: 0,
    usage: undefined,
    output: new Set(),
    unfinished: new Set(),
  };
  const output = await writeFile(services, snapshot, { isOk: true, tally });
  const errors = await writeFile(services, snapshot, { isOk: false, tally });
  const { failed, usage } = tally;
  await batches.noteProgress(id, { completed: tally.output.size, failed });
  return batches.noteFiles(id, { output, errors, ...(usage ? { usage } : {}) });
}

function required({ jobs }: Services): JobServices {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  return jobs;
}

/** What the lines come to together, as they go into the files. */
interface Tally {
  failed: number;
  usage: JobUsage | undefined;
  /** Lines of the output file: a line that is done only after that was written is in the error file. */
  readonly output: Set<number>;
  /** Pieces of which lines were not done by then. */
  readonly unfinished: Set<number>;
}

interface FilePart {
  readonly isOk: boolean;
  readonly tally: Tally;
}

async function writeFile(
  services: Services,
  snapshot: JobSnapshot,
  part: FilePart,
): Promise<JobResult> {
  const jobs = required(services);
  const blob = `${snapshot.job.id}/${services.newId()}`;
  const sizeBytes = await jobs.results.writeStream(blob, linesOf(jobs, snapshot, part), JSONL);
  return { status: 200, headers: [["content-type", JSONL]], blob, sizeBytes };
}

async function* linesOf(
  { batches }: JobServices,
  { job, outcome }: JobSnapshot,
  { isOk, tally }: FilePart,
): AsyncGenerator<Uint8Array> {
  let first = 0;
  for (const [piece, count] of (job.batch?.pieces ?? []).entries()) {
    const done = await batches.readDone(job.id, piece);
    if (isOk && done.size < count) tally.unfinished.add(piece);
    // Only for lines that are missing is it asked what they were.
    const isAsked = !isOk && tally.unfinished.has(piece);
    const lines = isAsked ? await batches.readPiece<BatchLine>(job.id, piece) : [];
    let text = "";
    for (let line = first; line < first + count; line++) {
      const found = done.get(line);
      if (isOk ? found?.isOk !== true : tally.output.has(line)) continue;
      const requestId = `${job.id}-${line}`;
      const customId = lines[line - first]?.customId ?? "";
      const inTime = found?.isOk === isOk ? found : undefined;
      text += `${inTime?.output ?? lineOutput({ requestId, customId }, notRun(outcome?.state))}\n`;
      if (isOk) tally.output.add(line);
      else tally.failed += 1;
      tally.usage = addUsage(tally.usage, found?.usage);
    }
    first += count;
    if (text !== "") yield Buffer.from(text);
  }
}

const notRun = (state: string | undefined) => ({
  error: state === "cancelled" ? CANCELLED : EXPIRED,
});
