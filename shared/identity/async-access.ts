import { readWebhookAccess, type WebhookAccess } from "./webhook-access.ts";

/** Whether a user may have jobs, and where their results and status events go. */
export type AsyncAccess =
  | { readonly enabled: false }
  | {
      readonly enabled: true;
      readonly containerName: string;
      readonly topic: string;
      /** How long links to results stay valid. */
      readonly timeoutSeconds: number;
      readonly generateSas: boolean;
      /** Where the user's jobs may send webhooks; absent where nowhere. */
      readonly webhooks?: WebhookAccess;
    };

/** What an `async-config` text says, and what in it could not be used. */
export interface AsyncAccessResult {
  readonly access: AsyncAccess;
  readonly warnings: readonly string[];
}

/** No jobs. */
export const NO_ASYNC_ACCESS: AsyncAccess = Object.freeze({ enabled: false });

const DEFAULT_TIMEOUT_SECONDS = 3600;
const MAX_TIMEOUT_SECONDS = 2_147_483_647;

// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
const CONTAINER_NAME = /^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftservicebus
const TOPIC_NAME = /^(?=.{1,260}$)[A-Za-z0-9_](?:[A-Za-z0-9._/-]*[A-Za-z0-9_])?$/;

/**
 * Reads `enabled=true, containername=.., topic=.., timeout=.., generateSAS=..`. As in the original, what
 * is not enabled or lacks a usable container or topic has no jobs, and the rest of the profile holds.
 */
export function parseAsyncAccess(text: string): AsyncAccessResult {
  const fields = readFields(text);
  if (!isTrue(fields.get("enabled"))) return { access: NO_ASYNC_ACCESS, warnings: [] };
  const containerName = fields.get("containername") ?? "";
  const topic = fields.get("topic") ?? "";
  const faults = [
    ...(CONTAINER_NAME.test(containerName) ? [] : ["containername is missing or not valid"]),
    ...(TOPIC_NAME.test(topic) ? [] : ["topic is missing or not valid"]),
  ];
  if (faults.length > 0) return { access: NO_ASYNC_ACCESS, warnings: faults };
  const timeoutSeconds = readTimeout(fields.get("timeout"));
  const generateSas = isTrue(fields.get("generatesas"));
  const { webhooks, warnings } = readWebhookAccess(fields);
  const access = {
    enabled: true,
    containerName,
    topic,
    timeoutSeconds,
    generateSas,
    ...(webhooks ? { webhooks } : {}),
  } as const;
  return { access: Object.freeze(access), warnings: [...oddities(fields), ...warnings] };
}

function readFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split(",")) {
    const separator = part.indexOf("=");
    const name = part.slice(0, Math.max(separator, 0)).trim().toLowerCase();
    if (name !== "") fields.set(name, part.slice(separator + 1).trim());
  }
  return fields;
}

const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === "true";

const isTimeout = (text: string): boolean =>
  /^\d+$/.test(text) && Number(text) > 0 && Number(text) <= MAX_TIMEOUT_SECONDS;

const readTimeout = (text: string | undefined): number =>
  text !== undefined && isTimeout(text) ? Number(text) : DEFAULT_TIMEOUT_SECONDS;

function oddities(fields: ReadonlyMap<string, string>): readonly string[] {
  const timeout = fields.get("timeout");
  const sas = fields.get("generatesas");
  return [
    ...(timeout === undefined || isTimeout(timeout)
      ? []
      : [`timeout is not a number of seconds; ${DEFAULT_TIMEOUT_SECONDS} is used`]),
    ...(sas === undefined || /^(true|false)$/i.test(sas)
      ? []
      : ["generateSAS is neither true nor false; false is used"]),
  ];
}
