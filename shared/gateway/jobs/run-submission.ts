import { ERRORS, GatewayError, toGatewayError } from "../../core/errors.ts";
import { fromTraceFields } from "../../core/trace-context.ts";
import type { JobEngine } from "../../jobs/index.ts";
import {
  type DeadLetterCause,
  PoisonMessageError,
  readSubmission,
  type Submission,
} from "../../messaging/index.ts";
import { submissionPostponed, submissionRefused } from "../../telemetry/index.ts";
import type { JobServices, Services, WaitingRoom } from "../services.ts";
import { acceptSubmission } from "./accept-submission.ts";

/** One delivery of one message of the submission queue. Times are epoch milliseconds. */
export interface SubmissionDelivery {
  readonly message: unknown;
  readonly messageId: string;
  readonly correlationId: string | undefined;
  readonly lockToken: string;
  readonly enqueuedAt: number;
  readonly expiresAt: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

interface Means {
  readonly room: WaitingRoom;
  readonly jobs: JobServices;
  readonly engine: JobEngine;
}

// On the copy of a message that was postponed: what of the first one its sender goes by.
const ARRIVED_AT = "arrivedAt";
const FIRST_MESSAGE_ID = "firstMessageId";
const RETRY_MS = 5000;
const MAX_RETRY_MS = 60_000;

/**
 * Makes a job of a message. What can never be accepted goes to the dead letters with the reason; what
 * may be accepted later comes again later. Returning completes the message, throwing gives it back.
 */
export async function runSubmission(
  services: Services,
  delivery: SubmissionDelivery,
  engine: JobEngine,
): Promise<void> {
  const means = { ...required(services), engine };
  try {
    const submission = read(delivery);
    if (services.stopping.aborted) {
      throw new GatewayError("shutting-down", "The gateway is shutting down.");
    }
    const arrivedAt = arrivalOf(delivery);
    const trace = services.tracing?.beginWithin(fromTraceFields(delivery.properties));
    await acceptSubmission(services, submission, { ...means, arrivedAt, trace });
  } catch (thrown) {
    const error = toGatewayError(thrown);
    if (error.code === "internal") throw thrown;
    if (ERRORS[error.code].retryable) return postpone(services, { delivery, error, means });
    await refuse(services, { delivery, error, means });
  }
}

function required({ waitingRoom: room, jobs }: Services): Omit<Means, "engine"> {
  if (room && jobs) return { room, jobs };
  throw new GatewayError("internal", "Submissions need Service Bus and storage.");
}

function read({ message }: SubmissionDelivery): Submission {
  try {
    return readSubmission(message);
  } catch (cause) {
    if (!(cause instanceof PoisonMessageError)) throw cause;
    throw new GatewayError("invalid-submission", cause.message, { cause });
  }
}

/** When the message first came, however often it was postponed since. */
function arrivalOf({ properties, enqueuedAt }: SubmissionDelivery): number {
  return Math.min(Number(properties[ARRIVED_AT] ?? enqueuedAt) || enqueuedAt, enqueuedAt);
}

interface Failed {
  readonly delivery: SubmissionDelivery;
  readonly error: GatewayError;
  readonly means: Means;
}

/** Sends the message again for later: to give it back would use its deliveries up within a second. */
async function postpone(services: Services, failed: Failed): Promise<void> {
  const { clock, newId, lanes, emit } = services;
  const { delivery, error, means } = failed;
  const { message, messageId, correlationId, expiresAt, properties } = delivery;
  const delayMs = Math.min(Math.max(error.retryAfterMs ?? 0, RETRY_MS), MAX_RETRY_MS);
  const scheduledAt = clock.now() + delayMs;
  if (scheduledAt >= expiresAt) return refuse(services, failed);
  emit(submissionPostponed({ messageId, code: error.code, delayMs }));
  await means.room.bus.send(lanes.submissions.queue, {
    messageId: `submission-${newId()}`,
    body: message,
    ...(correlationId === undefined ? {} : { correlationId }),
    scheduledAt,
    timeToLiveMs: expiresAt - scheduledAt,
    applicationProperties: {
      [FIRST_MESSAGE_ID]: messageId,
      ...properties,
      [ARRIVED_AT]: arrivalOf(delivery),
    },
  });
}

async function refuse(
  { lanes, emit }: Services,
  { delivery: { messageId, lockToken }, error, means }: Failed,
): Promise<void> {
  const cause = causeOf(error);
  emit(submissionRefused({ messageId, code: error.code }));
  await means.room.bus.deadLetter(lanes.submissions.queue, lockToken, cause);
}

/** The error as the sender may see it. */
function causeOf({ code, message }: GatewayError): DeadLetterCause {
  const { title, expose } = ERRORS[code];
  return { reason: code, description: expose ? message : title };
}
