import {
  type AuthenticationSettings,
  authenticationProblems,
  toAuthentication,
} from "./authentication.ts";
import { type EventLogSettings, eventLogProblems, toEventLog } from "./event-log.ts";
import { type HostSettings, parseHosts } from "./hosts.ts";
import { type DefaultLimits, toDefaultLimits } from "./limits.ts";
import {
  type NotificationSettings,
  notificationProblems,
  toNotifications,
} from "./notifications.ts";
import { type PolicySettings, policyContradictions, toPolicy } from "./policy.ts";
import { parsePriorityWorkers, type Reservations } from "./priority-workers.ts";
import { type RoutingSettings, toRouting } from "./routing.ts";
import { type RawSettings, SETTING_NAMES, settingsSchema } from "./settings-schema.ts";
import { withoutEffect } from "./settings-without-effect.ts";
import { type TelemetrySettings, toTelemetry } from "./telemetry.ts";
import { type TransportSettings, toTransport } from "./transport.ts";
import { toUsage, type UsageSettings } from "./usage.ts";
import { READ_ONCE } from "./values.ts";

const HOUR_MS = 3_600_000;
const NO_BACKEND = "Host1: no backend is set; their numbers begin with 1 and have no gap";

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings in force: parsed once, checked as a whole, frozen. */
export interface Settings {
  readonly role: RawSettings["GATEWAY_ROLE"];
  readonly syncMode: "direct" | "queued" | "auto";
  readonly maxBodyBytes: number;
  /** Bodies up to this size travel inside a message; larger ones go by blob. */
  readonly inlineBytes: number;
  readonly jobMaxAttempts: number;
  /** The largest file of a batch, in bytes and in lines. */
  readonly batchMaxBytes: number;
  readonly batchMaxLines: number;
  readonly jobReconcileMs: number;
  /** How long a job is kept after it has ended. */
  readonly jobRetentionMs: number;
  /** When the dead letters are looked through, as an NCRONTAB expression. */
  readonly deadLetterSchedule: string;
  /** How long one answer lasts to those who follow a job's stream. */
  readonly jobStreamMs: number;
  /** How long an idempotency key counts. */
  readonly idempotencyKeptMs: number;
  /** AES-256 key for the credentials of stored requests; without it they are not stored. */
  readonly credentialKey: Uint8Array | undefined;
  readonly workers: number;
  readonly maxQueueLength: number;
  readonly priority: {
    readonly defaultClass: number;
    readonly header: string;
    /** Lower-cased priority key to class. */
    readonly classByKey: ReadonlyMap<string, number>;
  };
  readonly defaultTtlMs: number;
  readonly ttlHeader: string;
  readonly attemptTimeoutMs: number;
  readonly timeoutHeader: string;
  readonly userHeaders: readonly string[];
  readonly asyncHeader: string;
  /** How long a caller who asks for a job by header is kept waiting for an ordinary answer. */
  readonly asyncTriggerMs: number;
  /** After this time every caller who may have jobs gets one; 0 for never. */
  readonly asyncWallMs: number;
  readonly asyncTtlMs: number;
  readonly asyncTimeoutMs: number;
  readonly loadBalanceMode: RawSettings["LoadBalanceMode"];
  readonly maxAttempts: number;
  readonly routing: RoutingSettings;
  readonly policy: PolicySettings;
  /** Of each caller who has no profile. */
  readonly limits: DefaultLimits;
  readonly notifications: NotificationSettings;
  readonly transport: TransportSettings;
  readonly authentication: AuthenticationSettings;
  readonly telemetry: TelemetrySettings;
  readonly usage: UsageSettings;
  /** Absent where nobody gets it. */
  readonly eventLog: EventLogSettings | undefined;
  /** Keys of those who run the gateway; without one nobody is an operator. */
  readonly operatorKeys: readonly string[];
  /** The least level of an event that is written to the console. */
  readonly logLevel: RawSettings["LOG_LEVEL"];
  /** Classes whose work may have to give way, besides those that lanes.json marks. */
  readonly preemptible: readonly number[];
  /** Slots set aside, by class. */
  readonly reservations: Reservations;
  readonly ignoreTlsErrors: boolean;
  readonly hosts: readonly HostSettings[];
  /** Names that are set and have no effect: the original's that have none here, and mistyped ones. */
  readonly withoutEffect: readonly string[];
}

/** Thrown when the settings cannot be used; `problems` names every one of them. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The settings have ${problems.length} problem(s):\n- ${problems.join("\n- ")}`);
    this.problems = problems;
  }
}

/** Reads the settings from environment variables; an empty value counts as absent. */
export function loadSettings(env: Environment = process.env): Settings {
  const present = Object.fromEntries(
    SETTING_NAMES.flatMap((name) => (env[name] ? [[name, env[name]]] : [])),
  );
  const parsed = settingsSchema.safeParse(present, READ_ONCE);
  const { hosts, problems } = parseHosts(env);
  if (parsed.error) {
    problems.unshift(...parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`));
  }
  problems.push(
    ...contradictions(present),
    ...authenticationProblems(env),
    ...policyContradictions(env),
    ...notificationProblems(env),
    ...eventLogProblems(env),
  );
  if (!env["Host1"]) problems.push(NO_BACKEND);
  if (!parsed.success || problems.length > 0) throw new SettingsError(problems);
  return frozen(toSettings(parsed.data, hosts, env));
}

/** The environment as it stands: what hot settings are laid over. */
export function currentEnvironment(): Environment {
  return { ...process.env };
}

/** What only shows when settings are seen together; each that is wrong by itself is named already. */
function contradictions(present: Environment): string[] {
  const { PriorityKeys, PriorityValues, PriorityWorkers, Workers } = settingsSchema.shape;
  const keys = PriorityKeys.safeParse(present["PriorityKeys"]);
  const values = PriorityValues.safeParse(present["PriorityValues"]);
  const workers = Workers.safeParse(present["Workers"]);
  const reserved = PriorityWorkers.parse(present["PriorityWorkers"]);
  const capacity = workers.data ?? Number.POSITIVE_INFINITY;
  return [
    ...(keys.data && values.data && keys.data.length !== values.data.length
      ? ["PriorityKeys and PriorityValues must have the same number of entries"]
      : []),
    ...parsePriorityWorkers(reserved, capacity).problems,
  ];
}

function frozen(settings: Settings): Settings {
  for (const part of [settings.priority, settings.userHeaders, settings.hosts]) Object.freeze(part);
  return Object.freeze(settings);
}

const SYNC_MODE_BY_ROLE = { stream: "direct", jobs: "queued", all: "auto" } as const;

function toSettings(raw: RawSettings, hosts: readonly HostSettings[], env: Environment): Settings {
  const key = raw.GATEWAY_CREDENTIAL_KEY;
  return {
    role: raw.GATEWAY_ROLE,
    syncMode: raw.GATEWAY_SYNC_MODE ?? SYNC_MODE_BY_ROLE[raw.GATEWAY_ROLE],
    maxBodyBytes: raw.GATEWAY_HTTP_MAX_BODY_BYTES,
    inlineBytes: raw.GATEWAY_MESSAGING_INLINE_BYTES,
    idempotencyKeptMs: raw.GATEWAY_IDEMPOTENCY_HOURS * HOUR_MS,
    ...toJobs(raw),
    credentialKey: key ? Buffer.from(key, "base64") : undefined,
    workers: raw.Workers,
    maxQueueLength: raw.MaxQueueLength,
    priority: toPriority(raw),
    defaultTtlMs: raw.DefaultTTLSecs * 1000,
    ttlHeader: raw.TTLHeader,
    attemptTimeoutMs: raw.Timeout,
    timeoutHeader: raw.TimeoutHeader,
    userHeaders: raw.UniqueUserHeaders,
    loadBalanceMode: raw.LoadBalanceMode,
    maxAttempts: raw.MaxAttempts,
    routing: toRouting(raw),
    policy: toPolicy(raw),
    limits: toDefaultLimits(raw),
    notifications: toNotifications(raw, env),
    transport: toTransport(raw),
    authentication: toAuthentication(raw),
    telemetry: toTelemetry(raw, env),
    usage: toUsage(raw),
    eventLog: toEventLog(raw, env),
    operatorKeys: raw.OperatorKeys,
    logLevel: raw.LOG_LEVEL,
    preemptible: raw.GATEWAY_SCHEDULING_PREEMPTIBLE,
    reservations: parsePriorityWorkers(raw.PriorityWorkers, raw.Workers).reservations,
    ignoreTlsErrors: raw.IgnoreSSLCert,
    hosts,
    withoutEffect: withoutEffect(env, SETTING_NAMES, hosts.length),
  };
}

/** What jobs and batches are given, and when a request becomes one. */
const toJobs = (raw: RawSettings) => ({
  batchMaxBytes: raw.GATEWAY_BATCH_MAX_BYTES,
  batchMaxLines: raw.GATEWAY_BATCH_MAX_LINES,
  jobMaxAttempts: raw.GATEWAY_JOBS_MAX_ATTEMPTS,
  jobRetentionMs: raw.GATEWAY_JOBS_RETENTION_SECONDS * 1000,
  jobReconcileMs: raw.GATEWAY_JOBS_RECONCILE_SECONDS * 1000,
  deadLetterSchedule: raw.GATEWAY_DEAD_LETTERS_SCHEDULE,
  jobStreamMs: raw.GATEWAY_JOBS_STREAM_SECONDS * 1000,
  asyncHeader: raw.AsyncClientRequestHeader,
  asyncTriggerMs: raw.AsyncTriggerTimeout,
  asyncWallMs: raw.GATEWAY_JOBS_WALL_SECONDS * 1000,
  asyncTtlMs: raw.AsyncTTLSecs * 1000,
  asyncTimeoutMs: raw.AsyncTimeout,
});

const toPriority = (raw: RawSettings): Settings["priority"] => ({
  defaultClass: raw.DefaultPriority,
  header: raw.PriorityKeyHeader,
  classByKey: new Map(
    // The original's templates know a class 0 before 1; here 1 is the most urgent.
    raw.PriorityKeys.map((name, i) => [
      name.toLowerCase(),
      Math.max(1, raw.PriorityValues[i] ?? raw.DefaultPriority),
    ]),
  ),
});
