import { asJobTicket } from "../../admission/index.ts";
import type { MessageBody } from "../../messaging/index.ts";
import { promotionFailed } from "../../telemetry/index.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import { engineInputOf, jobRecordOf } from "../jobs/job-record.ts";
import { startJob } from "../jobs/start-job.ts";
import type { Services } from "../services.ts";
import type { PromotionResult } from "./answered-or-promoted.ts";
import type { Promoter } from "./promoter.ts";

export interface QueuedPromotion {
  readonly promoter: Promoter;
  /** Where the message in the lane has the request's body. */
  readonly body: Promise<MessageBody | undefined>;
}

/**
 * Makes a job of a request whose message is in a lane, or runs on another instance. Its record and the
 * worker's note of having answered are one row, inserted once: the worker that comes second finds the
 * job and commits its answer, the holder that comes second waits for the reply that was sent.
 */
export async function promoteQueued(
  services: Services,
  admitted: AdmittedRequest,
  { promoter, body }: QueuedPromotion,
): Promise<PromotionResult> {
  const { settings, emit, clock } = services;
  const { jobs, engine } = promoter;
  const { request } = admitted;
  try {
    const ticket = asJobTicket(admitted.ticket, request.headers, settings);
    const job = jobRecordOf({ ...admitted, ticket }, await body, settings);
    const input = { ...engineInputOf(job, settings, request.trace), isInFlight: true };
    const isNew = await startJob({ jobs, engine, clock, input }, job);
    // The row may be this holder's own, of a try whose answer was lost.
    if (!isNew && !(await jobs.store.isPromoted(job.id))) {
      // Unless it is told, the orchestrator waits for the job for a while.
      engine.signal(job.id, { attempt: 1, isFinal: true }).catch(() => {});
      return "answered";
    }
    // Not awaited: the 202 is due now, and what is not told yet is told by whoever comes next.
    void jobs.events.announce(job.id, { kind: "queued" });
    return "promoted";
  } catch (error) {
    emit(promotionFailed(request.id, error));
    return "failed";
  }
}
