import * as z from "zod";
import { authenticationShape } from "./authentication.ts";
import { eventLogShape } from "./event-log.ts";
import { limitsShape } from "./limits.ts";
import { notificationsShape } from "./notifications.ts";
import { policyShape } from "./policy.ts";
import { routingShape } from "./routing.ts";
import { telemetryShape } from "./telemetry.ts";
import { transportShape } from "./transport.ts";
import { usageShape } from "./usage.ts";
import { choice, flag, headerName, headerNames, integer, integerList, list } from "./values.ts";

const MAX_INT32 = 2_147_483_647;
// https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
const MAX_HTTP_BODY_BYTES = 104_857_600;
const CREDENTIAL_KEY_BYTES = 32;
const LEAST_URGENT = 1000;

// The original's are .NET's; here there are three.
const LOG_LEVELS = [
  "Trace",
  "Debug",
  "Information",
  "Warning",
  "Error",
  "Critical",
  "None",
] as const;

const logLevel = choice(...LOG_LEVELS).transform((level) => {
  if (level === "Warning") return level;
  return /^(?:Trace|Debug|Information)$/.test(level) ? "Information" : "Error";
});

/** Every setting with its default. Names without a `GATEWAY_` prefix are the original's. */
export const settingsSchema = z.object({
  GATEWAY_ROLE: choice("stream", "jobs", "all").default("all"),
  GATEWAY_SYNC_MODE: choice("direct", "queued", "auto").optional(),
  GATEWAY_HTTP_MAX_BODY_BYTES: integer(1, MAX_INT32).default(MAX_HTTP_BODY_BYTES),
  GATEWAY_MESSAGING_INLINE_BYTES: integer(0, 90_000_000).default(160_000),
  GATEWAY_JOBS_MAX_ATTEMPTS: integer(1, 100).default(5),
  GATEWAY_JOBS_RETENTION_SECONDS: integer(1, MAX_INT32).default(604_800),
  GATEWAY_JOBS_RECONCILE_SECONDS: integer(1, 3600).default(30),
  GATEWAY_DEAD_LETTERS_SCHEDULE: z.string().default("0 * * * * *"),
  GATEWAY_JOBS_STREAM_SECONDS: integer(1, 86_400).default(220),
  GATEWAY_BATCH_MAX_BYTES: integer(1, MAX_INT32).default(MAX_HTTP_BODY_BYTES),
  GATEWAY_BATCH_MAX_LINES: integer(1, 100_000).default(10_000),
  GATEWAY_SCHEDULING_PREEMPTIBLE: integerList(1, LEAST_URGENT).default([]),
  GATEWAY_IDEMPOTENCY_HOURS: integer(1, 720).default(24),
  GATEWAY_CREDENTIAL_KEY: z
    .base64()
    .refine((text) => Buffer.from(text, "base64").byteLength === CREDENTIAL_KEY_BYTES, {
      error: `expected ${CREDENTIAL_KEY_BYTES} bytes in base64`,
    })
    .optional(),
  Workers: integer(1, 100_000).default(10),
  MaxQueueLength: integer(1, 1_000_000).default(1000),
  DefaultPriority: integer(1, LEAST_URGENT).default(2),
  PriorityKeyHeader: headerName.default("S7PPriorityKey"),
  PriorityKeys: list.default(["12345", "234"]),
  PriorityValues: integerList(0, LEAST_URGENT).default([1, 3]),
  DefaultTTLSecs: integer(1, MAX_INT32).default(300),
  TTLHeader: headerName.default("S7PTTL"),
  Timeout: integer(1, MAX_INT32).default(1_200_000),
  TimeoutHeader: headerName.default("S7PTimeout"),
  UniqueUserHeaders: headerNames.default(["X-UserID"]),
  AsyncClientRequestHeader: headerName.default("S7PAsyncMode"),
  AsyncTriggerTimeout: integer(0, MAX_INT32).default(0),
  GATEWAY_JOBS_WALL_SECONDS: integer(0, 86_400).default(220),
  AsyncTTLSecs: integer(1, MAX_INT32).default(86_400),
  AsyncTimeout: integer(1, MAX_INT32).default(1_800_000),
  OperatorKeys: list.default([]),
  ...authenticationShape,
  ...limitsShape,
  ...routingShape,
  ...policyShape,
  ...notificationsShape,
  ...transportShape,
  ...telemetryShape,
  ...usageShape,
  ...eventLogShape,
  LOG_LEVEL: logLevel.default("Warning"),
  IgnoreSSLCert: flag.default(false),
});

/** Every setting by name, hosts and connections aside; docs/settings.md has a row for each. */
export const SETTING_NAMES: readonly string[] = Object.keys(settingsSchema.shape);

/** What was set, as the schema reads it. */
export type RawSettings = z.infer<typeof settingsSchema>;
