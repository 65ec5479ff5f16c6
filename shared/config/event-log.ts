import * as z from "zod";
import { flag, integer, list } from "./values.ts";

const MAX_INT32 = 2_147_483_647;
const MAX_BUFFERED = 1_000_000;
const MIN_FILE_BYTES = 1024;

const LOGGERS = ["console", "file", "eventhub"] as const;
type Logger = (typeof LOGGERS)[number];

const loggers = list.transform((items, context) => {
  const known = LOGGERS.filter((logger) => items.some((item) => item.toLowerCase() === logger));
  if (known.length === new Set(items.map((item) => item.toLowerCase())).size) return known;
  context.addIssue({
    code: "custom",
    message: `expected some of ${LOGGERS.join(", ")}, got "${items.join(",")}"`,
  });
  return z.NEVER;
});

/** Settings of the event log; names without a `GATEWAY_` prefix are the original's. */
export const eventLogShape = {
  EVENT_LOGGERS: loggers.optional(),
  LOGTOFILE: flag.default(false),
  LOGFILE_NAME: z.string().default("eventslog.json"),
  GATEWAY_EVENTS_FILE_MAX_BYTES: integer(MIN_FILE_BYTES, MAX_INT32).default(10_485_760),
  GATEWAY_EVENTS_FILES: integer(1, 1000).default(5),
  EVENTHUB_CONNECTIONSTRING: z.string().optional(),
  EVENTHUB_NAMESPACE: z.string().optional(),
  GATEWAY_EVENTS_NAMESPACE_SUFFIX: z.string().default("servicebus.windows.net"),
  EVENTHUB_NAME: z.string().optional(),
  EVENTHUB_MAX_UNDRAINED_EVENTS: integer(1, MAX_BUFFERED).default(10_000),
  LogToEvents: list.default(["proxy", "backend", "exception"]),
  LogAllRequestHeaders: flag.default(false),
  LogAllRequestHeadersExcept: list.default(["Authorization"]),
  LogAllResponseHeaders: flag.default(false),
  LogAllResponseHeadersExcept: list.default(["Api-Key"]),
  LogHeaders: list.default([]),
};

const schema = z.object(eventLogShape);

type Environment = Readonly<Record<string, string | undefined>>;

/** An event hub, by connection string or by the app's identity. */
export type EventHubSettings = { readonly name: string } & (
  | { readonly connectionString: string }
  | { readonly fullyQualifiedNamespace: string; readonly clientId: string | undefined }
);

/** Which headers an event tells; lower-cased names. Secrets are told in none. */
export interface HeaderLogging {
  readonly allOfRequest: boolean;
  readonly requestExcept: ReadonlySet<string>;
  readonly allOfResponse: boolean;
  readonly responseExcept: ReadonlySet<string>;
  readonly ofResponse: ReadonlySet<string>;
}

/** The event log: who gets it, and what of it. */
export interface EventLogSettings {
  readonly isOnConsole: boolean;
  readonly file:
    | { readonly path: string; readonly maxBytes: number; readonly files: number }
    | undefined;
  readonly eventHub: EventHubSettings | undefined;
  /** So many events wait for each of them; further ones are dropped. */
  readonly capacity: number;
  /** Lower-cased; `*` is every one. */
  readonly categories: ReadonlySet<string>;
  readonly headers: HeaderLogging;
  /** What the original calls the container app. */
  readonly appName: string;
}

/** The settings of the event log; undefined where nobody gets it. */
export function toEventLog(
  raw: z.infer<typeof schema>,
  env: Environment,
): EventLogSettings | undefined {
  const chosen = loggersOf(raw);
  if (chosen.length === 0) return undefined;
  const { LOGFILE_NAME: path, GATEWAY_EVENTS_FILE_MAX_BYTES: maxBytes } = raw;
  return Object.freeze({
    isOnConsole: chosen.includes("console"),
    file: chosen.includes("file") ? { path, maxBytes, files: raw.GATEWAY_EVENTS_FILES } : undefined,
    eventHub: chosen.includes("eventhub") ? eventHubOf(raw, env) : undefined,
    capacity: raw.EVENTHUB_MAX_UNDRAINED_EVENTS,
    categories: lowerCased(raw.LogToEvents),
    headers: {
      allOfRequest: raw.LogAllRequestHeaders,
      requestExcept: lowerCased(raw.LogAllRequestHeadersExcept),
      allOfResponse: raw.LogAllResponseHeaders,
      responseExcept: lowerCased(raw.LogAllResponseHeadersExcept),
      ofResponse: lowerCased(raw.LogHeaders),
    },
    appName: env["CONTAINER_APP_NAME"] || env["WEBSITE_SITE_NAME"] || "simplel7proxy",
  });
}

/** What is wrong with the settings of the event log as a whole. */
export function eventLogProblems(env: Environment): string[] {
  const wants = (env["EVENT_LOGGERS"] ?? "").toLowerCase().includes("eventhub");
  const hasPlace = env["EVENTHUB_CONNECTIONSTRING"] || env["EVENTHUB_NAMESPACE"];
  if (!wants || (env["EVENTHUB_NAME"] && hasPlace)) return [];
  return [
    "EVENT_LOGGERS: eventhub needs EVENTHUB_NAME, and EVENTHUB_CONNECTIONSTRING or EVENTHUB_NAMESPACE",
  ];
}

/** As in the original, `LOGTOFILE` counts where the loggers are not named. */
function loggersOf({ EVENT_LOGGERS, LOGTOFILE }: z.infer<typeof schema>): readonly Logger[] {
  return EVENT_LOGGERS ?? (LOGTOFILE ? ["file"] : []);
}

function eventHubOf(raw: z.infer<typeof schema>, env: Environment): EventHubSettings | undefined {
  const { EVENTHUB_NAME: name, EVENTHUB_CONNECTIONSTRING, EVENTHUB_NAMESPACE } = raw;
  if (!name) return undefined;
  if (EVENTHUB_CONNECTIONSTRING) return { name, connectionString: EVENTHUB_CONNECTIONSTRING };
  if (!EVENTHUB_NAMESPACE) return undefined;
  const fullyQualifiedNamespace = EVENTHUB_NAMESPACE.includes(".")
    ? EVENTHUB_NAMESPACE
    : `${EVENTHUB_NAMESPACE}.${raw.GATEWAY_EVENTS_NAMESPACE_SUFFIX}`;
  return { name, fullyQualifiedNamespace, clientId: env["AZURE_CLIENT_ID"] };
}

const lowerCased = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => name.toLowerCase()));
