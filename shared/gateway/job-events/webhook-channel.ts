import type { NewId } from "../../core/domain.ts";
import type { ServiceBus } from "../../messaging/index.ts";
import type { WebhookDelivery } from "../../webhooks/index.ts";
import type { EventChannel } from "./job-events.ts";

/** How deliveries are put into their queue. */
export interface WebhookQueue {
  readonly bus: Pick<ServiceBus, "send">;
  readonly queue: string;
}

const DELIVERY_TTL_MS = 48 * 3_600_000;

/** Puts a delivery into the queue, now or for later; the queue drops it where it has it already. */
export async function sendDelivery(
  { bus, queue }: WebhookQueue,
  delivery: WebhookDelivery,
  scheduledAt?: number,
): Promise<void> {
  await bus.send(queue, {
    messageId: messageIdOf(delivery),
    body: delivery,
    timeToLiveMs: DELIVERY_TTL_MS,
    ...(scheduledAt === undefined ? {} : { scheduledAt }),
  });
}

/** The same delivery again, because its receiver is busy: a new message, or it would be a repetition. */
export async function postponeDelivery(
  { bus, queue }: WebhookQueue,
  delivery: WebhookDelivery,
  { scheduledAt, newId }: { readonly scheduledAt: number; readonly newId: NewId },
): Promise<void> {
  await bus.send(queue, {
    messageId: `${messageIdOf(delivery)}-later-${newId()}`,
    body: delivery,
    timeToLiveMs: DELIVERY_TTL_MS,
    scheduledAt,
  });
}

function messageIdOf({ jobId, sequence, target, attempt, run, failure }: WebhookDelivery): string {
  const own = `webhook-${jobId}-${sequence}-${target}-${attempt}`;
  const asked = run === undefined ? own : `${own}-${run}`;
  return failure === undefined ? asked : `${asked}-failed`;
}

/** The webhooks of a job: each event becomes one delivery for each of them. */
export function createWebhookChannel(webhookQueue: WebhookQueue): EventChannel {
  return {
    name: "webhooks",
    concerns: ({ targets }) => targets.webhooks !== undefined,
    async send({ id, targets }, { sequence, at }) {
      for (const target of (targets.webhooks ?? []).keys()) {
        await sendDelivery(webhookQueue, { jobId: id, sequence, target, attempt: 1, firstAt: at });
      }
    },
  };
}
