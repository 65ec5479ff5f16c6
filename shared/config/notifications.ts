import * as z from "zod";
import { flag, headerName, integer } from "./values.ts";

// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftservicebus
const topicName = z.string().regex(/^(?=.{1,260}$)[A-Za-z0-9_](?:[A-Za-z0-9._/-]*[A-Za-z0-9_])?$/, {
  error: "expected the name of a Service Bus topic",
});

/** Settings of what is told about jobs. */
export const notificationsShape = {
  GATEWAY_JOBS_TOPIC: topicName.optional(),
  GATEWAY_WEBHOOKS_HEADER: headerName.default("S7PWebhook"),
  GATEWAY_WEBHOOKS_TIMEOUT_SECONDS: integer(1, 60).default(15),
  GATEWAY_WEBHOOKS_ALLOW_LOCAL: flag.default(false),
};

const schema = z.object(notificationsShape);

type Environment = Readonly<Record<string, string | undefined>>;

/** What is told about jobs, and how. */
export interface NotificationSettings {
  /** Topic for the jobs of callers whose profile names none; undefined tells nobody. */
  readonly defaultTopic: string | undefined;
  /** Header that names a job's webhook. */
  readonly webhookHeader: string;
  readonly webhookTimeoutMs: number;
  /** Whether webhooks may go to this machine, and without TLS; for development and tests. */
  readonly allowLocalWebhooks: boolean;
  /** Keys that sign webhooks, by the lower-cased name with which profiles refer to them. */
  readonly webhookSecrets: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** The settings of notifications, and those of them that come from names of their own. */
export function toNotifications(
  raw: z.infer<typeof schema>,
  env: Environment,
): NotificationSettings {
  return Object.freeze({
    defaultTopic: raw.GATEWAY_JOBS_TOPIC,
    webhookHeader: raw.GATEWAY_WEBHOOKS_HEADER,
    webhookTimeoutMs: raw.GATEWAY_WEBHOOKS_TIMEOUT_SECONDS * 1000,
    allowLocalWebhooks: raw.GATEWAY_WEBHOOKS_ALLOW_LOCAL,
    webhookSecrets: readSecrets(env).secrets,
  });
}

/** What is wrong with the settings of notifications as a whole. */
export function notificationProblems(env: Environment): string[] {
  const { problems } = readSecrets(env);
  const isInAzure = Boolean(env["WEBSITE_SITE_NAME"] || env["WEBSITE_INSTANCE_ID"]);
  if (isInAzure && env["GATEWAY_WEBHOOKS_ALLOW_LOCAL"]?.trim().toLowerCase() === "true") {
    problems.push("GATEWAY_WEBHOOKS_ALLOW_LOCAL: is for development, and refused in Azure");
  }
  return problems;
}

const SECRET_PREFIX = "GATEWAY_WEBHOOKS_SECRET_";
// The bounds of the Standard Webhooks specification.
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

interface Secrets {
  readonly secrets: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly problems: string[];
}

/** Several keys, separated by blanks, all sign: so that a key can be replaced without a gap. */
function readSecrets(env: Environment): Secrets {
  const secrets = new Map<string, readonly Uint8Array[]>();
  const problems: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(SECRET_PREFIX) || !text) continue;
    const keys = text.trim().split(/\s+/).map(readKey);
    const usable = keys.filter((key) => key !== undefined);
    if (usable.length < keys.length) {
      problems.push(
        `${name}: expected whsec_ and ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes in base64`,
      );
    }
    secrets.set(name.slice(SECRET_PREFIX.length).toLowerCase(), usable);
  }
  return { secrets, problems };
}

function readKey(text: string): Uint8Array | undefined {
  const parsed = z.base64().safeParse(text.replace(/^whsec_/, ""));
  const key = parsed.success ? Buffer.from(parsed.data, "base64") : Buffer.alloc(0);
  return key.byteLength >= MIN_KEY_BYTES && key.byteLength <= MAX_KEY_BYTES ? key : undefined;
}
