import type { Settings } from "../../config/index.ts";
import { type TraceContext, toTraceFields } from "../../core/trace-context.ts";
import { firstLookMs, type JobEngineInput, type JobRecord } from "../../jobs/index.ts";
import type { MessageBody } from "../../messaging/index.ts";
import { type AdmittedRequest, toEnvelope } from "../entry/request-envelope.ts";
import { resultPlaceOf } from "../results/result-place.ts";
import type { Services } from "../services.ts";

/** The record of the job that a request becomes; its body is where a later process can read it. */
export function jobRecordOf(
  admitted: AdmittedRequest,
  body: MessageBody | undefined,
  settings: Settings,
): JobRecord {
  const { request, ticket, caller, notify, reservation } = admitted;
  const facts = { kind: "job", body, maxAttempts: settings.jobMaxAttempts } as const;
  return {
    ...jobOwnershipOf(admitted),
    ...(caller.groupId === undefined ? {} : { group: caller.groupId }),
    priority: ticket.priority,
    createdAt: request.receivedAt,
    expiresAt: ticket.expiresAt,
    request: JSON.stringify(toEnvelope(admitted, facts, settings)),
    ...(notify ? { notify } : {}),
    ...(reservation ? { claim: reservation.claim } : {}),
  };
}

/** Whose job a request becomes, and where its results go: all that its 202 tells. */
export function jobOwnershipOf({
  request,
  caller,
  profile,
}: AdmittedRequest): Pick<JobRecord, "id" | "owner" | "results"> {
  const results = resultPlaceOf(profile);
  return { id: request.id, owner: caller.userId, ...(results ? { results } : {}) };
}

/** With what a job's orchestrator is started; its attempts go on with the trace. */
export function engineInputOf(
  { id: jobId, expiresAt }: JobRecord,
  { jobMaxAttempts: maxAttempts, jobReconcileMs: reconcileMs }: Settings,
  trace: TraceContext | undefined,
): JobEngineInput {
  const carried = trace ? { trace: toTraceFields(trace) } : {};
  return { jobId, expiresAt, maxAttempts, reconcileMs, ...carried };
}

/** The same for a job that is new, whose first message is sent by whoever stores it. */
export function newEngineInput(
  job: JobRecord,
  { settings, random }: Pick<Services, "settings" | "random">,
  trace: TraceContext | undefined,
): JobEngineInput {
  const input = engineInputOf(job, settings, trace);
  return { ...input, firstLookMs: firstLookMs(input.reconcileMs, random) };
}
