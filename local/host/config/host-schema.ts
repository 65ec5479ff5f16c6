import * as z from "zod";
import { parseTimeSpanMs } from "./time-span.ts";

// The platform reads host.json through .NET configuration, where every value is text: "4" is 4.
const integer = (min: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^-?\d+$/)
        .transform(Number),
    ])
    .pipe(z.number().int().min(min));

const flag = z.union([
  z.boolean(),
  z
    .string()
    .regex(/^(true|false)$/i)
    .transform((text) => text.toLowerCase() === "true"),
]);

const timeSpanMs = z.string().transform((text, context) => {
  const ms = parseTimeSpanMs(text);
  if (ms !== undefined && ms >= 0) return ms;
  context.addIssue({
    code: "custom",
    message: `expected a time span such as 00:05:00, got "${text}"`,
  });
  return z.NEVER;
});

const MIN_FUNCTION_TIMEOUT_MS = 1000; // https://learn.microsoft.com/azure/azure-functions/functions-host-json#functiontimeout

const functionTimeoutMs = z.string().transform((text, context) => {
  if (text === "-1") return undefined;
  const ms = parseTimeSpanMs(text);
  if (ms !== undefined && ms >= MIN_FUNCTION_TIMEOUT_MS) return ms;
  context.addIssue({
    code: "custom",
    message: `expected a time span of at least one second, or "-1" for none, got "${text}"`,
  });
  return z.NEVER;
});

const logLevel = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(["trace", "debug", "information", "warning", "error", "critical", "none"]));

/** Accepted because production reads it; means nothing on one machine. */
const onlyInAzure = z.unknown().optional();

const http = z.strictObject({
  routePrefix: z.string().default("api"),
  maxOutstandingRequests: integer(-1).default(-1),
  maxConcurrentRequests: integer(-1).optional(),
  dynamicThrottlesEnabled: flag.optional(),
  hsts: onlyInAzure,
  customHeaders: z.record(z.string(), z.string()).default({}),
});

// Defaults: https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus
const serviceBus = z.strictObject({
  prefetchCount: integer(0).default(0),
  autoCompleteMessages: flag.default(true),
  maxAutoLockRenewalDuration: timeSpanMs.default(5 * 60_000),
  maxConcurrentCalls: integer(1).optional(),
  maxConcurrentSessions: integer(1).default(8),
  maxMessageBatchSize: integer(1).default(1000),
  minMessageBatchSize: integer(1).default(1),
  maxBatchWaitTime: timeSpanMs.default(30_000),
  sessionIdleTimeout: timeSpanMs.optional(),
  maxConcurrentCallsPerSession: integer(1).default(1),
  transportType: onlyInAzure,
  clientRetryOptions: onlyInAzure,
  enableCrossEntityTransactions: onlyInAzure,
});

// Defaults: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue
const queues = z.strictObject({
  maxPollingInterval: timeSpanMs.optional(),
  visibilityTimeout: timeSpanMs.default(0),
  batchSize: integer(1).pipe(z.number().max(32)).default(16),
  maxDequeueCount: integer(1).default(5),
  newBatchThreshold: integer(0).optional(),
  messageEncoding: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(["base64", "none"]))
    .default("base64"),
});

const durableTask = z.strictObject({
  hubName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/, "a task hub is 3 to 45 letters and digits")
    .default("TestHubName"),
  maxConcurrentActivityFunctions: integer(1).optional(),
  maxConcurrentOrchestratorFunctions: integer(1).optional(),
  maxConcurrentEntityFunctions: onlyInAzure,
  httpSettings: onlyInAzure,
  storageProvider: onlyInAzure,
  tracing: onlyInAzure,
  notifications: onlyInAzure,
  extendedSessionsEnabled: onlyInAzure,
  extendedSessionIdleTimeoutInSeconds: onlyInAzure,
  maxEntityOperationBatchSize: onlyInAzure,
  maxOrchestrationActions: onlyInAzure,
  overridableExistingInstanceStates: onlyInAzure,
  storeInputsInOrchestrationHistory: onlyInAzure,
  useAppLease: onlyInAzure,
  useGracefulShutdown: onlyInAzure,
  entityMessageReorderWindowInMinutes: onlyInAzure,
  localRpcEndpointEnabled: onlyInAzure,
  maxGrpcMessageSizeInBytes: onlyInAzure,
  grpcHttpClientTimeout: onlyInAzure,
  defaultVersion: onlyInAzure,
  versionMatchStrategy: onlyInAzure,
  versionFailureStrategy: onlyInAzure,
});

const extensions = z.strictObject({
  http: http.prefault({}),
  serviceBus: serviceBus.prefault({}),
  queues: queues.prefault({}),
  durableTask: durableTask.prefault({}),
  blobs: onlyInAzure,
  cosmosDB: onlyInAzure,
  eventGrid: onlyInAzure,
  eventHubs: onlyInAzure,
  kafka: onlyInAzure,
  mcp: onlyInAzure,
  sendGrid: onlyInAzure,
  signalR: onlyInAzure,
  tables: onlyInAzure,
  timers: onlyInAzure,
});

/** host.json, with the platform's defaults; durations become milliseconds. */
export const hostSchema = z.strictObject({
  $schema: onlyInAzure,
  version: z.literal("2.0"),
  extensions: extensions.prefault({}),
  functionTimeout: functionTimeoutMs.prefault("00:30:00"),
  functions: z.array(z.string()).optional(),
  logging: z.looseObject({ logLevel: z.record(z.string(), logLevel).default({}) }).prefault({}),
  aggregator: onlyInAzure,
  applicationInsights: onlyInAzure,
  concurrency: onlyInAzure,
  extensionBundle: onlyInAzure,
  healthMonitor: onlyInAzure,
  managedDependency: onlyInAzure,
  singleton: onlyInAzure,
  telemetryMode: onlyInAzure,
  watchDirectories: onlyInAzure,
  watchFiles: onlyInAzure,
});

/** host.json as the host uses it. */
export type HostConfig = z.infer<typeof hostSchema>;
