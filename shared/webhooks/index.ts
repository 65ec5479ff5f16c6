export { isPublicAddress, targetFault } from "./address-rule.ts";
export { signWebhook } from "./sign-webhook.ts";
export { type WebhookAnswer, WebhookClient, type WebhookPost } from "./webhook-client.ts";
export { readWebhookDelivery, type WebhookDelivery } from "./webhook-delivery.ts";
export { nextWebhookStep, type WebhookStep } from "./webhook-step.ts";
