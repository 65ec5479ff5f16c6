import { GatewayError } from "../../core/errors.ts";
import { fromTraceFields, type TraceFields } from "../../core/trace-context.ts";
import {
  type BatchCursor,
  type BatchLine,
  FIRST_TURN,
  type JobSnapshot,
  moveCursor,
} from "../../jobs/index.ts";
import { readRequestEnvelope } from "../../messaging/index.ts";
import { expireJob } from "../jobs/job-activities.ts";
import { startAttempt } from "../jobs/job-transitions.ts";
import { laneFor } from "../lanes/lane-for.ts";
import { sendTraced } from "../lanes/send-traced.ts";
import type { JobServices, Services } from "../services.ts";
import { lineMessageId } from "./run-batch-line.ts";

/** Where a batch stands, as its orchestrator knows it. */
export interface BatchRef {
  readonly jobId: string;
  readonly cursor: BatchCursor;
  /** True when whoever began to make the batch has had time enough to store it. */
  readonly isLate: boolean;
  /** Where in a trace the batch was asked for. */
  readonly trace?: TraceFields;
}

const SENDERS = 16;

/**
 * Looks at the lines that are in the lane, and puts as many new ones there as there is room. Idempotent:
 * the message id is the line's, and a line that is done is not run again.
 */
export async function advanceBatch(
  services: Services,
  { jobId, cursor, trace, isLate }: BatchRef,
): Promise<BatchCursor> {
  const jobs = required(services);
  const snapshot = await jobs.store.read(jobId);
  if (!snapshot) {
    const isOver = isLate && (await jobs.store.giveUp(jobId, services.clock.now()));
    return { ...cursor, isOver };
  }
  const { batch } = snapshot.job;
  if (!batch || snapshot.outcome) return { ...cursor, isOver: true };
  if (cursor.next === 0) {
    const start = await startAttempt({ services, jobs, jobId }, FIRST_TURN);
    await start?.told;
  }
  const counts = await Promise.all(
    cursor.open.map(async (piece) => [piece, await jobs.batches.count(jobId, piece)] as const),
  );
  const moved = moveCursor(cursor, new Map(counts), batch);
  for (const piece of moved.send) await sendPiece(services, snapshot, { piece, trace });
  await jobs.batches.noteProgress(jobId, moved.cursor.progress);
  return moved.cursor;
}

/** Ends a batch whose time is over; what is done of it is kept. */
export async function expireBatch(services: Services, jobId: string): Promise<void> {
  await expireJob(services, { jobId, ...FIRST_TURN });
}

async function sendPiece(
  services: Services,
  { job }: JobSnapshot,
  { piece, trace }: { readonly piece: number; readonly trace: TraceFields | undefined },
): Promise<void> {
  const { batches } = required(services);
  const lines = await batches.readPiece<BatchLine>(job.id, piece);
  const before = (job.batch?.pieces ?? []).slice(0, piece).reduce((sum, count) => sum + count, 0);
  const waiting = lines.map((line, index) => ({ ...line, piece, line: before + index }));
  const sendNext = async (): Promise<void> => {
    for (let line = waiting.shift(); line; line = waiting.shift()) {
      await sendLine(services, job.id, { line, request: job.request, trace });
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sendNext));
}

interface PlacedLine extends BatchLine {
  readonly piece: number;
  readonly line: number;
}

interface SendingLine {
  readonly line: PlacedLine;
  readonly request: string;
  readonly trace: TraceFields | undefined;
}

async function sendLine(
  services: Services,
  jobId: string,
  { line: placed, request, trace }: SendingLine,
): Promise<void> {
  const { waitingRoom: room, lanes, clock } = services;
  if (!room) throw new GatewayError("internal", "Batches need the waiting room.");
  const template = readRequestEnvelope(request);
  const { piece, line, customId, url } = placed;
  const id = `${jobId}-${line}`;
  const body = await room.claimCheck.pack(`jobs/${jobId}/lines/${line}`, Buffer.from(placed.body));
  const envelope = {
    ...template,
    kind: "line",
    id,
    target: url,
    headers: [...template.headers, ["content-type", "application/json"]],
    body,
    batch: { jobId, piece, line, customId },
  };
  const lane = laneFor(lanes, template.priority);
  const timeToLiveMs = template.expiresAt - clock.now();
  await sendTraced(services, room.bus, {
    queue: template.isOver ? lane.overQueue : lane.queue,
    message: { messageId: lineMessageId(id, 1), body: envelope, timeToLiveMs },
    requestId: id,
    parent: fromTraceFields(trace),
  });
}

function required({ jobs }: Services): JobServices {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  return jobs;
}
