import * as z from "zod";
import { jobListQuerySchema } from "./job-query.ts";
import {
  acceptedJobSchema,
  jobAttemptSchema,
  jobListSchema,
  jobPatchSchema,
  jobStateSchema,
  jobViewSchema,
  problemSchema,
} from "./job-schemas.ts";
import { usageQuerySchema } from "./usage-query.ts";
import { usageRowSchema, usageSchema } from "./usage-schemas.ts";

const SCHEMAS = {
  AcceptedJob: acceptedJobSchema,
  Job: jobViewSchema,
  JobAttempt: jobAttemptSchema,
  JobList: jobListSchema,
  JobPatch: jobPatchSchema,
  JobState: jobStateSchema,
  Problem: problemSchema,
  Usage: usageSchema,
  UsageRow: usageRowSchema,
} as const;

type SchemaName = keyof typeof SCHEMAS;
type Json = Record<string, unknown>;

const RETRY_AFTER = {
  "retry-after": {
    description: "Whole seconds after which to ask again.",
    schema: { type: "integer", minimum: 1 },
  },
};

const content = (name: SchemaName, type = "application/json"): Json => ({
  [type]: { schema: { $ref: `#/components/schemas/${name}` } },
});

const answer = (description: string, name: SchemaName, headers?: Json): Json => ({
  description,
  content: content(name),
  ...(headers ? { headers } : {}),
});

const problem = (description: string): Json => ({
  description,
  content: content("Problem", "application/problem+json"),
});

const ID = { name: "id", in: "path", required: true, schema: { type: "string" } };
const NO_SUCH_JOB = { "404": problem("There is no such job, or it is another caller's.") };

const readOperation: Json = {
  operationId: "getJob",
  summary: "A job's state, read from rows: asking costs the job nothing.",
  responses: {
    "200": answer("The job has ended.", "Job"),
    "202": answer("The job waits or runs.", "Job", RETRY_AFTER),
    ...NO_SUCH_JOB,
  },
};

const cancelOperation: Json = {
  operationId: "cancelJob",
  summary: "Cancels a job. One that has ended already stays as it is; its state says how.",
  responses: { "200": answer("The job has ended.", "Job"), ...NO_SUCH_JOB },
};

const moveOperation: Json = {
  operationId: "moveJob",
  summary: "Moves a job that waits to the lane of another class.",
  requestBody: { required: true, content: content("JobPatch") },
  responses: {
    "200": answer("The job waits in its new lane.", "Job"),
    "400": problem("The body cannot be read, or there is no such class."),
    "403": problem(
      "The class is more urgent than the job's, and than what the call shows a key for.",
    ),
    ...NO_SUCH_JOB,
    "409": problem("The job runs, or has ended."),
  },
};

const SEQUENCE = {
  name: "sequence",
  in: "path",
  required: true,
  schema: { type: "integer", minimum: 1 },
};

const LAST_EVENT_ID = {
  name: "Last-Event-ID",
  in: "header",
  required: false,
  description: "The number of the last event that the reader has; what follows it is sent.",
  schema: { type: "integer", minimum: 0 },
};

const eventsOperation: Json = {
  operationId: "followJobEvents",
  summary: "A job's changes of state as server-sent events, as they happen, to its end.",
  responses: {
    "200": { description: "The events.", content: { "text/event-stream": {} } },
    "204": { description: "The reader has seen the end: there is nothing to come." },
    "400": problem("Last-Event-ID is not the number of an event."),
    ...NO_SUCH_JOB,
  },
};

const FROM = {
  name: "from",
  in: "query",
  required: false,
  description:
    "Where to go on: the id of the last event that the reader has, or an offset in bytes.",
  schema: { type: "string", pattern: "^(\\d+-)?(\\d+|end)$" },
};

const streamOperation: Json = {
  operationId: "followJobStream",
  summary: "The backend's event stream, as it comes; `Last-Event-ID` goes on behind an event, too.",
  responses: {
    "200": {
      description:
        "The events, and those of the gateway: stream.restart, stream.continue, job.ended.",
      content: { "text/event-stream": {} },
    },
    "204": { description: "The reader has seen the end: there is nothing to come." },
    "400": problem("The place to go on from is not an id of this stream."),
    ...NO_SUCH_JOB,
  },
};

const redeliverOperation: Json = {
  operationId: "redeliverJobEvent",
  summary: "Sends an event once more to the job's webhooks.",
  responses: {
    "202": { description: "It will be delivered.", content: { "application/json": {} } },
    "404": problem("There is no such job or event, or it is another caller's."),
    "409": problem("The job sends no webhooks."),
  },
};

const resultOperation: Json = {
  operationId: "getJobResult",
  summary: "The backend's answer as it came: status, headers and exact bytes.",
  responses: {
    default: { description: "The backend's answer.", content: { "*/*": {} } },
    "404": problem("There is no such job, or it has no result."),
    "409": problem("The job has not ended."),
  },
};

const JSONL = { "application/jsonl": { schema: { type: "string" } } };

const batchOperation: Json = {
  operationId: "createBatch",
  summary: "Makes one job of many requests, in the form of OpenAI's Batch API: one a line.",
  requestBody: { required: true, content: JSONL },
  responses: {
    "202": answer("The batch is a job now.", "AcceptedJob", RETRY_AFTER),
    "400": problem("A line is wrong; the detail has its number."),
    "413": problem("The file has too many lines or bytes."),
  },
};

const batchErrorsOperation: Json = {
  operationId: "getBatchErrors",
  summary: "The lines of a batch that failed, or were not done when it ended.",
  responses: {
    "200": { description: "One line each, in the order of the input.", content: JSONL },
    "404": problem("There is no such job, or it is no batch."),
    "409": problem("The batch has not ended."),
  },
};

const usageOperation = (): Json => ({
  operationId: "getUsage",
  summary: "What was used and what it costs: the caller's own, or everybody's for operators.",
  parameters: queryParameters(usageQuerySchema),
  responses: {
    "200": {
      description: "A page of sums; the total is of all pages.",
      content: { ...content("Usage"), "text/csv": { schema: { type: "string" } } },
    },
    "400": problem("The query cannot be read, or asks for too much at once."),
    "401": problem("It asks for what only operators may see."),
  },
});

/** The parameters of a query, one for each field of its schema. */
function queryParameters(schema: z.ZodType): Json[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema,
  }));
}

function componentSchemas(): Json {
  const registry = z.registry<{ id?: string }>();
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    io: "output",
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]),
  );
}

/** The OpenAPI document of the gateway's own API, made of the schemas by which it answers. */
export function openApiDocument(): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "SimpleL7Proxy for Azure Functions: jobs",
      version: "1.0.0",
      description:
        "Any request becomes a job by `Prefer: respond-async` or `S7PAsyncMode: true`, and is then " +
        "answered 202 with an AcceptedJob. Callers identify themselves as in every other request.",
    },
    paths: {
      "/jobs": {
        get: {
          operationId: "listJobs",
          summary: "The caller's jobs, newest first.",
          parameters: queryParameters(jobListQuerySchema),
          responses: {
            "200": answer("A page of jobs.", "JobList"),
            "400": problem("The query cannot be read."),
          },
        },
      },
      "/jobs/batch": { post: batchOperation },
      "/jobs/{id}": {
        parameters: [ID],
        get: readOperation,
        delete: cancelOperation,
        patch: moveOperation,
      },
      "/jobs/{id}/events": { parameters: [ID, LAST_EVENT_ID], get: eventsOperation },
      "/jobs/{id}/stream": { parameters: [ID, FROM], get: streamOperation },
      "/jobs/{id}/events/{sequence}/redeliver": {
        parameters: [ID, SEQUENCE],
        post: redeliverOperation,
      },
      "/jobs/{id}/result": { parameters: [ID], get: resultOperation },
      "/usage": { get: usageOperation() },
      "/jobs/{id}/errors": { parameters: [ID], get: batchErrorsOperation },
    },
    components: { schemas: componentSchemas() },
  };
}
