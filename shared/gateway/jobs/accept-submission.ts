import { asJobTicket } from "../../admission/index.ts";
import { GatewayError } from "../../core/errors.ts";
import type { GatewayRequest, GatewayResponse } from "../../core/http.ts";
import type { SpanPlace } from "../../core/trace-context.ts";
import type { JobEngine } from "../../jobs/index.ts";
import type { Submission } from "../../messaging/index.ts";
import { admitRequest } from "../entry/admit-request.ts";
import { type Recognised, recogniseAsSaid } from "../entry/recognise.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import { RequestRecord } from "../entry/request-record.ts";
import { underPolicy } from "../in-force.ts";
import { packRequestBody } from "../read-request-body.ts";
import type { JobServices, Services, WaitingRoom } from "../services.ts";
import { withinLimits } from "../usage/within-limits.ts";
import { countJob } from "./accept-job.ts";
import { jobRecordOf, newEngineInput } from "./job-record.ts";
import { sendOff } from "./place-attempt.ts";
import { startJob } from "./start-job.ts";

/** What accepting a submission needs besides. */
export interface SubmissionMeans {
  readonly room: WaitingRoom;
  readonly jobs: JobServices;
  readonly engine: JobEngine;
  /** Epoch milliseconds; the job's time to live counts from here. */
  readonly arrivedAt: number;
  /** Its place in a trace; absent where nobody traces. */
  readonly trace: SpanPlace | undefined;
}

const accepted = (jobId: string): GatewayResponse => ({
  status: 202,
  headers: [],
  body: undefined,
  jobId,
});
const NEVER_CLOSED = new AbortController().signal;

/**
 * Makes a job of a submission as of an HTTP request that asks for one, or throws with the reason why
 * not. The job that has the id already stands, if it is the same user's: a repetition changes nothing.
 */
export async function acceptSubmission(
  services: Services,
  submission: Submission,
  means: SubmissionMeans,
): Promise<void> {
  const request = requestOf(services, submission, means);
  const recognised = await recogniseAsSaid(services, request);
  const current = underPolicy(services, recognised.policy);
  if (await isJobOf(recognised, { ...means, id: submission.id })) return;
  const record = new RequestRecord(request, services);
  const admitted = asJob(current, await admitRequest(current, request, recognised), submission);
  record.admitted(admitted);
  try {
    const response = await withinLimits(current, admitted, {
      record,
      serve: (claimed) => insert(current, { ...admitted, ...claimed }, means),
    });
    record.answered(response);
  } finally {
    if (admitted.body && !(admitted.body instanceof Uint8Array)) admitted.body.close();
  }
}

/** The request that the submission stands for; its user is who the message says, whatever its headers say. */
function requestOf(
  { settings }: Services,
  { id, user, method, target, headers, body }: Submission,
  { arrivedAt: receivedAt, trace }: Pick<SubmissionMeans, "arrivedAt" | "trace">,
): GatewayRequest {
  const { useProfiles, profileHeader } = settings.policy;
  const userHeader = useProfiles ? profileHeader : settings.userHeaders[0];
  const own = [userHeader ?? "", settings.asyncHeader].map((name) => name.toLowerCase());
  return {
    id,
    method,
    target,
    headers: [
      ...headers.filter(([name]) => !own.includes(name.toLowerCase())),
      ...(userHeader === undefined ? [] : [[userHeader, user] as const]),
      [settings.asyncHeader, "true"],
    ],
    body: body && once(body),
    receivedAt,
    closed: NEVER_CLOSED,
    trace,
  };
}

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}

interface KnownId extends SubmissionMeans {
  readonly id: string;
}

/** Whether the caller's job has the id; throws when another's has. */
async function isJobOf({ caller }: Recognised, { id, jobs }: KnownId): Promise<boolean> {
  const standing = await jobs.store.read(id);
  if (standing && standing.job.owner !== caller.userId) throw idTaken();
  return standing !== undefined;
}

/** The admitted request as a job from the beginning, in the class that the submission names. */
function asJob(
  { settings }: Services,
  admitted: AdmittedRequest & Recognised,
  { priority }: Submission,
): AdmittedRequest & Recognised {
  const { ticket, request } = admitted;
  if (!ticket.promotion) {
    throw new GatewayError("jobs-not-allowed", "The user's profile does not allow jobs.");
  }
  const asked = asJobTicket(ticket, request.headers, settings);
  return { ...admitted, ticket: priority === undefined ? asked : { ...asked, priority } };
}

/** Body, then engine, then row, as for every job; the row decides between messages of one id. */
async function insert(
  services: Services,
  admitted: AdmittedRequest & Recognised,
  means: SubmissionMeans,
): Promise<GatewayResponse> {
  const { settings, newId, clock } = services;
  const { room, jobs, engine } = means;
  const { id } = admitted.request;
  // A name of its own: another message of the same id must not replace what the job was accepted with.
  const name = `jobs/${id}/request-${newId()}`;
  const body = await packRequestBody(room.claimCheck, name, admitted.body);
  const job = jobRecordOf({ ...admitted, isOver: countJob(services, admitted) }, body, settings);
  const input = newEngineInput(job, services, admitted.request.trace);
  if (await startJob({ jobs, engine, clock, input }, job)) {
    sendOff(services, job, input.trace);
    return accepted(id);
  }
  await room.claimCheck.discard(body).catch(() => {});
  if (await isJobOf(admitted, { ...means, id })) return accepted(id);
  throw idTaken();
}

const idTaken = (): GatewayError =>
  new GatewayError("job-id-taken", "The id belongs to another user's job, or to a request.");
