import { admit, asJobTicket, pathFault } from "../../admission/index.ts";
import { GatewayError } from "../../core/errors.ts";
import { type HeaderList, headerValue, withoutHeaders } from "../../core/headers.ts";
import type { GatewayResponse } from "../../core/http.ts";
import { fromTraceFields, type TraceFields, toTraceFields } from "../../core/trace-context.ts";
import type { BatchFacts } from "../../jobs/index.ts";
import { notifyTargets } from "../entry/notify-targets.ts";
import { type Recognised, recognise } from "../entry/recognise.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import { acceptedAnswer } from "../jobs/accepted-answer.ts";
import type { JobChange } from "../jobs/change-job.ts";
import { jobRecordOf } from "../jobs/job-record.ts";
import { startJob } from "../jobs/start-job.ts";
import { enterLane } from "../lanes/enter-lane.ts";
import { laneFor } from "../lanes/lane-for.ts";
import type { JobServices, Services } from "../services.ts";
import { readBatchLines } from "./read-batch-lines.ts";

const BATCH_PATH = "/jobs/batch";
const LEAST_URGENT = Number.MAX_SAFE_INTEGER;

/**
 * Makes one job of many requests. Every line is read and found good before anything is promised; then
 * lines, orchestrator and row stand, and only then the 202 is given.
 */
export async function acceptBatch(
  services: Services,
  { headers, target, body, engine }: JobChange,
): Promise<GatewayResponse> {
  const { jobs, waitingRoom, settings } = services;
  if (!waitingRoom || !jobs) {
    throw new GatewayError("async-unavailable", "This app serves no asynchronous requests.");
  }
  if (!body) throw new GatewayError("bad-request", "The batch has no lines.");
  const id = services.newId();
  const admitted = await admitBatch(services, { id, headers, target });
  try {
    const batch = await readLines(admitted, jobs, { id, body });
    const job = { ...jobRecordOf(admitted, undefined, settings), batch };
    const input = {
      kind: "batch",
      jobId: id,
      expiresAt: job.expiresAt,
      ...carriedTrace(services, headers),
    } as const;
    await startJob({ jobs, engine, clock: services.clock, input }, job);
    return await acceptedAnswer(services, { job, state: "queued", preferenceApplied: undefined });
  } catch (error) {
    // Nothing was promised. Should the engine have it after all, it finds no job, and ends.
    await jobs.store.remove(id).catch(() => {});
    await jobs.results.removeAll(`${id}/`).catch(() => {});
    throw error;
  }
}

/** The lines belong to the caller's trace, where there is one. */
function carriedTrace({ tracing }: Services, headers: HeaderList): { trace?: TraceFields } {
  const fields = { traceparent: headerValue(headers, "traceparent") };
  const caller = tracing && fromTraceFields(fields);
  return caller ? { trace: toTraceFields(caller) } : {};
}

/** Lets the batch in as its caller's least urgent work; the lines are judged as one. */
async function admitBatch(
  services: Services,
  { id, headers, target }: { id: string } & Pick<JobChange, "headers" | "target">,
): Promise<AdmittedRequest & Recognised> {
  const recognised = await recognise(services, { headers, target });
  const { policy, profile, caller } = recognised;
  if (policy.settings.policy.useProfiles && profile?.asyncAccess.enabled !== true) {
    throw new GatewayError("jobs-not-allowed", "The caller's profile does not allow jobs.");
  }
  const receivedAt = services.clock.now();
  const admission = admit(recognised.headers, receivedAt, policy.settings);
  if (!admission.admitted) throw new GatewayError(admission.code, admission.detail);
  const ticket = asJobTicket(admission.ticket, recognised.headers, policy.settings);
  const { priority } = laneFor(services.lanes, LEAST_URGENT);
  const { judgement, hold } = enterLane(services, priority, caller);
  hold.release();
  return {
    ...recognised,
    request: {
      id,
      method: "POST",
      target: BATCH_PATH,
      headers: withoutHeaders(recognised.headers, (name) => OF_THE_FILE.has(name)),
      body: undefined,
      receivedAt,
      closed: services.stopping,
    },
    ticket: { ...ticket, priority },
    notify: notifyTargets(recognised),
    body: undefined,
    isOver: judgement.isOver,
  };
}

// They speak of the file and its upload; each line is a request of its own.
const OF_THE_FILE = new Set([
  "accept",
  "content-type",
  "content-length",
  "content-encoding",
  "content-md5",
  "content-digest",
  "idempotency-key",
  "expect",
  "prefer",
]);

async function readLines(
  { policy: { settings, rules }, profile }: Recognised,
  jobs: JobServices,
  { id, body }: { id: string; body: AsyncIterable<Uint8Array> },
): Promise<BatchFacts> {
  const pieces: number[] = [];
  // Each line asks for a path of its own, of which the upload's says nothing.
  const faultOf = (url: string): string | undefined => pathFault(url, profile, rules);
  const { batchMaxBytes: maxBytes, batchMaxLines: maxLines } = settings;
  for await (const piece of readBatchLines(body, { maxBytes, maxLines, faultOf })) {
    await jobs.batches.writePiece(id, pieces.length, piece);
    pieces.push(piece.length);
  }
  const lines = pieces.reduce((total, count) => total + count, 0);
  if (lines === 0) throw new GatewayError("bad-request", "The batch has no lines.");
  return { lines, pieces };
}
