import { GatewayError } from "../../core/errors.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import { findOwn, type JobQuery } from "../jobs/read-job.ts";
import type { Services } from "../services.ts";
import { queueOf } from "./deliver-webhook.ts";
import { sendDelivery } from "./webhook-channel.ts";

/** Which event is to be delivered again. */
export interface RedeliverQuery extends JobQuery {
  /** Its number, as the path has it. */
  readonly sequence: string;
}

/** Sends an event once more to every webhook of its job, however the first deliveries ended. */
export async function redeliverEvent(
  services: Services,
  query: RedeliverQuery,
): Promise<GatewayResponse> {
  const { jobs } = await findOwn(services, query);
  const log = await jobs.eventLog.read(query.id);
  const event = log?.events.find(({ sequence }) => String(sequence) === query.sequence);
  if (!log || !event) throw new GatewayError("event-not-found", "The job has no such event.");
  const targets = log.job.targets.webhooks ?? [];
  if (targets.length === 0) {
    throw new GatewayError("job-without-webhooks", "The job sends no webhooks.");
  }
  const run = services.newId();
  const { sequence } = event;
  const firstAt = services.clock.now();
  for (const target of targets.keys()) {
    const delivery = { jobId: query.id, sequence, target, attempt: 1, firstAt, run };
    await sendDelivery(queueOf(services), delivery);
  }
  return jsonResponse(202, { jobId: query.id, sequence, deliveries: targets.length });
}
