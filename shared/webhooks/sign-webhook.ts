import { createHmac } from "node:crypto";

/** The headers of the Standard Webhooks convention. https://www.standardwebhooks.com */
export interface WebhookHeaders {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/** Signs a webhook with each key, so that a receiver may know the old one or the new one. */
export function signWebhook(
  { id, body, sentAt }: { readonly id: string; readonly body: string; readonly sentAt: number },
  keys: readonly Uint8Array[],
): WebhookHeaders {
  const timestamp = String(Math.floor(sentAt / 1000));
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = keys.map(
    (key) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`,
  );
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
