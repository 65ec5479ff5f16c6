import { FIRST_TURN } from "../../jobs/index.ts";
import type { MessageBody } from "../../messaging/index.ts";
import { promotionFailed } from "../../telemetry/index.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import { engineInputOf, jobRecordOf } from "../jobs/job-record.ts";
import { startJob } from "../jobs/start-job.ts";
import { packRequestBody } from "../read-request-body.ts";
import type { Services } from "../services.ts";
import { SharedBody } from "../shared-body.ts";
import type { PromotionResult } from "./answered-or-promoted.ts";
import { type DetachedAnswer, finishInProcess } from "./finish-in-process.ts";
import { leaseFrom } from "./job-lease.ts";
import type { Promoter } from "./promoter.ts";

/**
 * Makes a job of a request whose work runs in this process. The process vouches for it with a lease;
 * when that is not renewed, the orchestrator gives the attempt up and sends another through a lane.
 * Scope: per invocation.
 */
export class InProcessPromotion {
  readonly #services: Services;
  readonly #promoter: Promoter;
  readonly #admitted: AdmittedRequest;
  #body: Promise<MessageBody | undefined> | undefined;

  constructor(services: Services, promoter: Promoter, admitted: AdmittedRequest) {
    this.#services = services;
    this.#promoter = promoter;
    this.#admitted = admitted;
  }

  /** Starts the orchestrator, and then stores the job, begun as it is: repeated until both stand. */
  async promote(): Promise<PromotionResult> {
    const { jobs, room, engine } = this.#promoter;
    const { clock, settings, emit } = this.#services;
    const { id: jobId } = this.#admitted.request;
    try {
      this.#body ??= packRequestBody(room.claimCheck, `jobs/${jobId}/request`, this.#admitted.body);
      const job = jobRecordOf(this.#admitted, await this.#body, settings);
      const input = {
        ...engineInputOf(job, settings, this.#admitted.request.trace),
        isInFlight: true,
      };
      const running = { startedAt: clock.now(), lease: leaseFrom(clock) };
      const isNew = await startJob({ jobs, engine, clock, input, running }, job);
      // The row may be of an earlier try whose answer was lost: the lease began then.
      if (!isNew) await jobs.store.renewLease(jobId, leaseFrom(clock));
      return "promoted";
    } catch (error) {
      emit(promotionFailed(jobId, error));
      this.#body = undefined;
      return "failed";
    }
  }

  /** Removes the job: its orchestrator finds nothing and ends. */
  async retract(): Promise<void> {
    const { jobs, room, engine } = this.#promoter;
    const { id: jobId } = this.#admitted.request;
    await jobs.store.remove(jobId);
    await room.claimCheck.discard(await this.#body);
    await engine.signal(jobId, { attempt: 1, isFinal: true });
  }

  /** Lets the work go on for the job. */
  detach(work: DetachedAnswer): void {
    const { jobs, engine } = this.#promoter;
    const services = this.#services;
    const { id: jobId } = this.#admitted.request;
    const { jobMaxAttempts: maxAttempts } = services.settings;
    const run = { services, jobs, engine, jobId, attempt: FIRST_TURN.attempt, maxAttempts };
    const { body, usage } = this.#admitted;
    // Another try may have to send it again.
    if (body instanceof SharedBody) body.hold();
    const finishing = finishInProcess(run, { ...work, usage }).finally(() => {
      if (body instanceof SharedBody) body.close();
    });
    jobs.detached.add(finishing, work.stop);
  }
}
