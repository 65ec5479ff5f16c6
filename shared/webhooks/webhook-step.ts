import type { Random } from "../core/domain.ts";
import type { WebhookAnswer } from "./webhook-client.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The waits between tries: twelve tries over about a day. */
const WAITS_MS = [
  SECOND_MS,
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  6 * HOUR_MS,
  10 * HOUR_MS,
];
const MAX_AGE_MS = 26 * HOUR_MS;
// A fifth more or less, so that what failed together does not come back together.
const JITTER = 0.2;

/** What follows a try. */
export type WebhookStep =
  | { readonly kind: "done" }
  /** The receiver wants no more of this job's events. */
  | { readonly kind: "gone" }
  | { readonly kind: "again"; readonly delayMs: number }
  | { readonly kind: "giveUp"; readonly reason: string };

/** What follows from a receiver's answer: 2xx is delivered, 410 stops, everything else is tried again. */
export function nextWebhookStep(
  { attempt, firstAt }: { readonly attempt: number; readonly firstAt: number },
  answer: WebhookAnswer,
  { now, random }: { readonly now: number; readonly random: Random },
): WebhookStep {
  if (answer.kind === "answered" && answer.status >= 200 && answer.status < 300) {
    return { kind: "done" };
  }
  if (answer.kind === "answered" && answer.status === 410) return { kind: "gone" };
  const waitMs = WAITS_MS[attempt - 1];
  const failure = answer.kind === "answered" ? `status ${answer.status}` : answer.reason;
  const reason = `given up after ${attempt} tries, the last with ${failure}`;
  if (waitMs === undefined) return { kind: "giveUp", reason };
  const ownMs = waitMs * (1 + JITTER * (2 * random() - 1));
  const delayMs = Math.round(Math.max(ownMs, askedWait(answer)));
  return now + delayMs - firstAt > MAX_AGE_MS
    ? { kind: "giveUp", reason }
    : { kind: "again", delayMs };
}

/** `Retry-After` is heeded where it means what it says: too many requests, or not available. */
function askedWait(answer: WebhookAnswer): number {
  if (answer.kind !== "answered") return 0;
  return answer.status === 429 || answer.status === 503 ? (answer.retryAfterMs ?? 0) : 0;
}
