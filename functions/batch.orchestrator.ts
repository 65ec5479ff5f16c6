import * as df from "durable-functions";
import {
  ATTEMPT_ENDED_EVENT,
  type BatchCursor,
  type BatchEngineInput,
  batchLookMs,
  FIRST_CURSOR,
  MAKING_MS,
} from "../shared/jobs/index.ts";
import { retryForever, settleEvents } from "./job.orchestrator.ts";

/** Names under which the orchestrator of batches and its activities are registered. */
export const BATCH_ORCHESTRATOR = "batch";
export const BATCH_ACTIVITIES = {
  advance: "advanceBatch",
  expire: "expireBatch",
  finish: "finishBatch",
} as const;

// However many lines a batch has, its history holds no more than so many looks at them.
const MAX_LOOKS_PER_EXECUTION = 40;

interface BatchRun extends BatchEngineInput {
  readonly beganAt?: number;
  readonly cursor?: BatchCursor;
  readonly idleLooks?: number;
}

/** Owns a batch's course: it counts rows, and hears of no single line. */
export function registerBatchOrchestrator(): void {
  df.app.orchestration(BATCH_ORCHESTRATOR, function* batch(context) {
    const input = context.df.getInput() as BatchRun;
    const { jobId, expiresAt, trace } = input;
    const { beganAt = context.df.currentUtcDateTime.getTime() } = input;
    let { cursor = FIRST_CURSOR, idleLooks = 0 } = input;
    const call = (name: string, work: object): df.Task =>
      context.df.callActivityWithRetry(name, retryForever(), work);
    // One wait for all looks: what is told in between would go to a wait that nobody looks at.
    const ended = context.df.waitForExternalEvent(ATTEMPT_ENDED_EVENT);
    for (let looks = 0; !cursor.isOver; looks++) {
      if (looks === MAX_LOOKS_PER_EXECUTION) {
        context.df.continueAsNew({ ...input, beganAt, cursor, idleLooks } satisfies BatchRun);
        return;
      }
      const now = context.df.currentUtcDateTime.getTime();
      if (now >= expiresAt) {
        yield call(BATCH_ACTIVITIES.expire, { jobId });
        break;
      }
      const isLate = now - beganAt >= MAKING_MS;
      const look = { jobId, cursor, isLate, ...(trace ? { trace } : {}) };
      const seen = (yield call(BATCH_ACTIVITIES.advance, look)) as BatchCursor;
      idleLooks = isSame(seen, cursor) ? idleLooks + 1 : 0;
      cursor = seen;
      if (cursor.isOver) break;
      const pauseMs = batchLookMs(idleLooks);
      const lookAt = context.df.currentUtcDateTime.getTime() + pauseMs;
      if (yield* isEndedBefore(context, ended, Math.min(lookAt, expiresAt))) break;
    }
    yield call(BATCH_ACTIVITIES.finish, { jobId });
    yield* settleEvents(context, jobId);
  });
}

const isSame = ({ progress: one }: BatchCursor, { progress: other }: BatchCursor): boolean =>
  one.completed === other.completed && one.failed === other.failed;

/** Waits for the next look; true when the job's end was told meanwhile. */
function* isEndedBefore(
  context: df.OrchestrationContext,
  ended: df.Task,
  at: number,
): Generator<df.Task, boolean, unknown> {
  const timer = context.df.createTimer(new Date(at));
  const winner = yield context.df.Task.any([ended, timer]);
  if (winner !== ended) return false;
  timer.cancel();
  return true;
}
