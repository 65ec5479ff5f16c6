import * as z from "zod";

const time = z.iso.datetime().meta({ description: "UTC, ISO 8601." });

/** The states of a job; the last four are final. */
export const jobStateSchema = z.lazy(() =>
  z
    .enum(["queued", "running", "succeeded", "failed", "expired", "cancelled"])
    .meta({ description: "The last four are final: a job has exactly one of them." }),
);

/** One attempt of a job. */
export const jobAttemptSchema = z.lazy(() =>
  z.strictObject({
    attempt: z.int().min(1),
    startedAt: time,
    endedAt: time.optional(),
    reason: z.string().optional().meta({
      description:
        "Why the attempt did not end the job: `status-503` for an answer, else the code of an error.",
    }),
    retryAt: time.optional().meta({ description: "When the job is tried again, at the earliest." }),
  }),
);

const linksSchema = z.lazy(() =>
  z.strictObject({
    self: z.string(),
    result: z.string(),
    events: z.string(),
    stream: z.string().optional().meta({
      description: "Of a job that is one request: the backend's event stream, live.",
    }),
    errors: z.string().optional().meta({ description: "Of a batch: its error file." }),
    dataBlobUri: z.string().optional(),
    headerBlobUri: z.string().optional(),
  }),
);

const count = z.int().min(0).optional();

/** What an answer used. */
const jobUsageSchema = z.lazy(() =>
  z.strictObject({
    provenance: z.enum(["reported", "estimated", "partial", "unknown"]).meta({
      description: "How far the counts can be trusted: `reported` by the backend, or less.",
    }),
    tokens: z
      .strictObject({
        inputTokens: count,
        outputTokens: count,
        totalTokens: count,
        cacheReadInputTokens: count,
        cacheCreationInputTokens: count,
        reasoningOutputTokens: count,
        audioInputTokens: count,
        audioOutputTokens: count,
      })
      .optional()
      .meta({ description: "What the answer did not say is absent." }),
    model: z.string().optional().meta({ description: "As the answer names it." }),
  }),
);

/** A job as its owner sees it. */
export const jobViewSchema = z.lazy(() =>
  z.strictObject({
    id: z.string(),
    state: jobStateSchema,
    priority: z.int().min(1).meta({ description: "1 is the most urgent." }),
    attempts: z.int().min(0).meta({ description: "How many attempts have begun." }),
    waiting: z
      .strictObject({ position: z.int().min(0), estimatedWaitMs: z.int().min(0).optional() })
      .optional()
      .meta({
        description:
          "While it waits in its lane: how many requests begin before one of this caller and class " +
          "that comes now, and how long that would wait by the measured rate.",
      }),
    looksAgainAt: time.optional().meta({
      description:
        "While an attempt that has begun waits for backends that are full or rest, `running` " +
        "meanwhile: when it asks them again.",
    }),
    history: z.array(jobAttemptSchema),
    createdAt: time,
    expiresAt: time,
    startedAt: time.optional(),
    handedOverAt: time.optional().meta({
      description:
        "When a provider took the work over; the gateway asks it until the work is done.",
    }),
    endedAt: time.optional(),
    error: z
      .strictObject({ code: z.string(), detail: z.string() })
      .optional()
      .meta({ description: "Why the gateway ended the job, where no answer did." }),
    result: z
      .strictObject({ status: z.int(), sizeBytes: z.int().min(0) })
      .optional()
      .meta({ description: "The backend's answer, which `links.result` has in full." }),
    usage: jobUsageSchema.optional().meta({
      description: "What the answer used; of a batch, all lines together, once its files are made.",
    }),
    request_counts: z
      .strictObject({
        total: z.int().min(1),
        completed: z.int().min(0),
        failed: z.int().min(0),
      })
      .optional()
      .meta({ description: "Of a batch: its lines, and what came of them a moment ago." }),
    links: linksSchema,
  }),
);

/** A page of a caller's jobs. */
export const jobListSchema = z.lazy(() =>
  z.strictObject({
    jobs: z.array(jobViewSchema).meta({ description: "Newest first." }),
    continuation: z.string().optional().meta({
      description: "Opaque; given back, it brings the next page. Absent on the last one.",
    }),
  }),
);

/** What may be changed of a job that waits. */
export const jobPatchSchema = z.lazy(() =>
  z
    .strictObject({ priority: z.int().min(1) })
    .meta({ description: "The class to whose lane the job is moved." }),
);

/** What is answered 202: the original's document, and where the job is found. */
export const acceptedJobSchema = z.lazy(() =>
  z.strictObject({
    Message: z.string(),
    UserId: z.string(),
    MID: z.string(),
    Guid: z.string(),
    Status: z.literal(202),
    Timestamp: time,
    DataBlobUri: z.string(),
    HeaderBlobUri: z.string(),
    id: z.string(),
    state: jobStateSchema,
    links: linksSchema,
  }),
);

/** An error, as RFC 9457 has it. */
export const problemSchema = z.lazy(() =>
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: "Stable; docs/errors.md explains each." }),
    detail: z.string().optional(),
    requestId: z.string(),
    error: z
      .object({ type: z.string(), code: z.string(), message: z.string(), param: z.null() })
      .meta({ description: "The same, as clients of model APIs read it." }),
  }),
);

export type JobView = z.infer<typeof jobViewSchema>;
export type JobList = z.infer<typeof jobListSchema>;
export type AcceptedJob = z.infer<typeof acceptedJobSchema>;
