import { GatewayError } from "../../core/errors.ts";
import { allowedWebhook } from "../../identity/index.ts";
import { isFinalEvent, type StatusEvent } from "../../jobs/index.ts";
import { webhookFailed } from "../../telemetry/index.ts";
import {
  nextWebhookStep,
  readWebhookDelivery,
  signWebhook,
  type WebhookDelivery,
  type WebhookStep,
} from "../../webhooks/index.ts";
import type { LoggedJob } from "../jobs/job-event-rows.ts";
import type { JobServices, Services } from "../services.ts";
import { eventView } from "./event-view.ts";
import type { JobLog } from "./job-event-log.ts";
import { postponeDelivery, sendDelivery, type WebhookQueue } from "./webhook-channel.ts";

const BUSY_WAIT_MS = 2000;

/** Thrown for what is given up, until the queue moves it to the dead letters: the message says why. */
class UndeliverableError extends Error {
  override readonly name = "UndeliverableError";
}

/**
 * Delivers one event to one webhook. What fails is sent anew for later, and the worker is free
 * meanwhile; after about a day it is given up. Returning completes the message, throwing returns it.
 */
export async function deliverWebhook(services: Services, message: unknown): Promise<void> {
  const delivery = readWebhookDelivery(message);
  if (delivery.failure !== undefined) throw new UndeliverableError(delivery.failure);
  const jobs = required(services);
  const log = await jobs.eventLog.read(delivery.jobId);
  const event = log?.events[delivery.sequence - 1];
  const url = log?.job.targets.webhooks?.[delivery.target];
  // The job was cleaned up, or its receiver wants no more: then only what is asked for is sent.
  if (!log || !event || url === undefined || isUnwanted(log, delivery)) return;
  const step = await attempt(services, { delivery, job: log.job, event, url });
  await follow(services, delivery, step);
}

function required({ jobs, waitingRoom }: Services): JobServices {
  if (jobs && waitingRoom) return jobs;
  throw new GatewayError("internal", "Webhooks need Service Bus and storage.");
}

const isUnwanted = (log: JobLog, { target, run }: WebhookDelivery): boolean =>
  run === undefined && log.isGone(target);

interface Attempt {
  readonly delivery: WebhookDelivery;
  readonly job: LoggedJob;
  readonly event: StatusEvent;
  readonly url: string;
}

type Step = WebhookStep | { readonly kind: "busy" };

async function attempt(services: Services, { delivery, job, event, url }: Attempt): Promise<Step> {
  const { clock, random, emit } = services;
  const keys = await keysFor(services, job, url);
  if (!keys) return { kind: "giveUp", reason: "the profile no longer allows it, or has no secret" };
  const id = `event_${job.id}_${event.sequence}`;
  const body = JSON.stringify(payloadOf(job, event));
  const headers = signWebhook({ id, body, sentAt: clock.now() }, keys);
  const answer = await required(services).webhooks.post({ url, headers, body });
  if (!answer) return { kind: "busy" };
  const step = nextWebhookStep(delivery, answer, { now: clock.now(), random });
  if (step.kind !== "done") emit(webhookFailed({ ...placeOf(delivery), step: step.kind }, answer));
  return step;
}

/** The keys of the profile as it is now: what it no longer allows is not called, whoever accepted it. */
async function keysFor(
  { policy, settings }: Services,
  { targets }: LoggedJob,
  url: string,
): Promise<readonly Uint8Array[] | undefined> {
  await policy.start();
  const profile = policy.current().identity.findProfile(targets.profileId ?? "");
  const access = profile?.asyncAccess.enabled ? profile.asyncAccess.webhooks : undefined;
  if (!access || allowedWebhook(access, url) === undefined) return undefined;
  const keys = settings.notifications.webhookSecrets.get(access.secret);
  return keys && keys.length > 0 ? keys : undefined;
}

function payloadOf({ id }: LoggedJob, event: StatusEvent) {
  return {
    type: `job.${isFinalEvent(event) ? event.state : typeOf(event)}`,
    timestamp: new Date(event.at).toISOString(),
    data: eventView(id, event),
  };
}

/** `AsyncProcessing` as `async_processing`: the convention's spelling of types. */
const typeOf = ({ status }: StatusEvent): string =>
  status.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

const placeOf = ({ jobId, sequence, target, attempt: tries }: WebhookDelivery) => ({
  jobId,
  sequence,
  target,
  tries,
});

async function follow(services: Services, delivery: WebhookDelivery, step: Step): Promise<void> {
  const { clock, newId } = services;
  switch (step.kind) {
    case "done":
      return;
    case "gone":
      return required(services).eventLog.markGone(delivery.jobId, delivery.target);
    case "busy": {
      const scheduledAt = clock.now() + BUSY_WAIT_MS;
      return postponeDelivery(queueOf(services), delivery, { scheduledAt, newId });
    }
    case "again": {
      const next = { ...delivery, attempt: delivery.attempt + 1 };
      return sendDelivery(queueOf(services), next, clock.now() + step.delayMs);
    }
    case "giveUp":
      return sendDelivery(queueOf(services), { ...delivery, failure: step.reason });
  }
}

/** The queue in which deliveries wait. */
export function queueOf({ waitingRoom, lanes }: Services): WebhookQueue {
  if (waitingRoom) return { bus: waitingRoom.bus, queue: lanes.webhooks.queue };
  throw new GatewayError("internal", "Webhooks need Service Bus.");
}
