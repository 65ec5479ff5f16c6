import { GatewayError } from "../../core/errors.ts";
import { headerValue } from "../../core/headers.ts";
import { allowedWebhook, defaultWebhooks } from "../../identity/index.ts";
import type { NotifyTargets } from "../../jobs/index.ts";
import type { Recognised } from "./recognise.ts";

/**
 * Who is told of a request's job, should it become one: the caller's topic, and of the webhooks that the
 * profile allows the one that a header names, else all that the profile names in full.
 */
export function notifyTargets({ profile, policy, headers }: Recognised): NotifyTargets {
  const { defaultTopic, webhookHeader } = policy.settings.notifications;
  const asked = headerValue(headers, webhookHeader)?.trim();
  const access = profile?.asyncAccess.enabled ? profile.asyncAccess : undefined;
  const topic = access?.topic ?? defaultTopic;
  const webhooks = readWebhooks(access?.webhooks, asked, webhookHeader);
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(profile && webhooks.length > 0 ? { webhooks, profileId: profile.id } : {}),
  };
}

function readWebhooks(
  access: Parameters<typeof allowedWebhook>[0] | undefined,
  asked: string | undefined,
  header: string,
): readonly string[] {
  if (!asked) return access ? defaultWebhooks(access) : [];
  const url = access && allowedWebhook(access, asked);
  if (url !== undefined) return [url];
  throw new GatewayError(
    "webhook-not-allowed",
    `The URL in the header ${header} is not among those that the profile allows.`,
  );
}
