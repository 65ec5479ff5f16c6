import * as z from "zod";

const deliverySchema = z.lazy(() =>
  z.strictObject({
    jobId: z.string().min(1),
    /** Number of the event. */
    sequence: z.int().min(1),
    /** Which of the job's webhooks; the URL itself is read from the job's log. */
    target: z.int().min(0),
    /** 1 for the first try. */
    attempt: z.int().min(1),
    /** When the first try was due, in epoch milliseconds. */
    firstAt: z.number(),
    /** New for each delivery that somebody asked for; absent for the one that the event itself makes. */
    run: z.string().optional(),
    /** Why it was given up: a message that carries a reason is on its way to the dead letters. */
    failure: z.string().optional(),
  }),
);

/** One event for one webhook, as it waits in the queue. */
export type WebhookDelivery = z.infer<typeof deliverySchema>;

/** Reads what came out of the queue; throws on what can never be delivered. */
export function readWebhookDelivery(message: unknown): WebhookDelivery {
  const parsed = deliverySchema.safeParse(message);
  if (parsed.success) return parsed.data;
  throw new Error(`The message is no webhook: ${z.prettifyError(parsed.error)}`);
}
