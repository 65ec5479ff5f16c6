import * as z from "zod";
import lanesDocument from "../../infra/lanes.json" with { type: "json" };
import { fromIsoDuration } from "./duration.ts";
import { READ_ONCE } from "./values.ts";

const duration = z.string().transform((text, context) => {
  const value = fromIsoDuration(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: `expected an ISO 8601 duration, got "${text}"` });
  return z.NEVER;
});

const entityName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, {
  error: "expected lower-case letters, digits and inner hyphens",
});

const laneSchema = z.strictObject({
  /** Names the worker function too: lane `critical` runs in `laneCritical`. */
  name: entityName,
  priority: z.int().min(1),
  queue: entityName,
  /** The class's second queue, for users who ask for more than their fair share; same worker limits. */
  overQueue: entityName,
  /** How many of this lane's requests one instance runs at once. */
  concurrency: z.int().min(1),
  /** The part of an instance's slots that the lane's class gets, however much more urgent work waits. */
  share: z.number().positive().max(1),
  lockDuration: duration,
  maxDeliveryCount: z.int().min(1),
  preemptible: z.boolean(),
});

type Queues = Pick<z.infer<typeof laneSchema>, "queue" | "overQueue">;

const queueNames = (document: {
  lanes: readonly Queues[];
  replies: { queue: string };
  webhooks: { queue: string };
  submissions: { queue: string };
}): string[] => [
  ...document.lanes.flatMap(({ queue, overQueue }) => [queue, overQueue]),
  document.replies.queue,
  document.webhooks.queue,
  document.submissions.queue,
];

const lanesSchema = z
  .strictObject({
    lanes: z.array(laneSchema).min(1),
    queueDefaults: z.strictObject({
      defaultMessageTimeToLive: duration,
      deadLetteringOnMessageExpiration: z.boolean(),
      requiresDuplicateDetection: z.boolean(),
      duplicateDetectionHistoryTimeWindow: duration,
      maxSizeInMegabytes: z.int().min(1),
    }),
    replies: z.strictObject({
      queue: entityName,
      lockDuration: duration,
      defaultMessageTimeToLive: duration,
      maxDeliveryCount: z.int().min(1),
    }),
    webhooks: z.strictObject({
      queue: entityName,
      lockDuration: duration,
      defaultMessageTimeToLive: duration,
      /** Failed deliveries are sent anew for later; this bounds what crashes while it delivers. */
      maxDeliveryCount: z.int().min(1),
    }),
    /** Where jobs come in as messages. What expires here is dead-lettered: its sender waits for it. */
    submissions: z.strictObject({
      queue: entityName,
      lockDuration: duration,
      defaultMessageTimeToLive: duration,
      maxDeliveryCount: z.int().min(1),
    }),
    statusTopic: z.strictObject({ topic: entityName, subscription: entityName }),
  })
  .refine(({ lanes }) => new Set(lanes.map((lane) => lane.name)).size === lanes.length, {
    error: "two lanes share a name",
  })
  .refine((document) => new Set(queueNames(document)).size === queueNames(document).length, {
    error: "two lanes share a queue",
  })
  .refine(({ lanes }) => new Set(lanes.map((lane) => lane.priority)).size === lanes.length, {
    error: "two lanes share a priority",
  });

/** One lane of the waiting room; durations are milliseconds. */
export type Lane = z.infer<typeof laneSchema>;
/** The whole waiting room. */
export type Lanes = z.infer<typeof lanesSchema>;

/** Reads a lanes document, lanes by urgency; throws with every problem named. */
export function parseLanes(document: unknown): Lanes {
  const parsed = lanesSchema.safeParse(document, READ_ONCE);
  if (parsed.success) {
    const lanes = parsed.data.lanes.toSorted((a, b) => a.priority - b.priority);
    return { ...parsed.data, lanes };
  }
  throw new Error(`lanes.json is not valid:\n${z.prettifyError(parsed.error)}`);
}

/** The lanes that this build ships: infra/lanes.json, which Bicep and the local broker read too. */
export function shippedLanes(): Lanes {
  return parseLanes(lanesDocument);
}
