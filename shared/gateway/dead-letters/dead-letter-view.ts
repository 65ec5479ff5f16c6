import { sealRequest } from "../../identity/index.ts";
import { type DeadLetter, readRequestEnvelope, readSubmission } from "../../messaging/index.ts";
import { readWebhookDelivery } from "../../webhooks/index.ts";
import type { LetterSource } from "./dead-letter-sources.ts";

/** Whom a letter concerns, and what of its body may be shown: never a credential, sealed or not. */
interface Reading {
  readonly id?: string;
  readonly user?: string;
  readonly content?: unknown;
}

/** A dead letter as operators see it; its content only where it is asked for. */
export function deadLetterView(source: LetterSource, letter: DeadLetter, showsBody: boolean) {
  const { sequenceNumber, messageId, enqueuedAt, reason, description, deliveryCount } = letter;
  const { content, ...concerned } = readLetter(source, letter);
  return {
    queue: source.name,
    sequenceNumber,
    messageId,
    enqueuedAt: new Date(enqueuedAt).toISOString(),
    reason,
    description,
    deliveryCount,
    ...concerned,
    ...(showsBody && content !== undefined ? { content } : {}),
  };
}

/** A dead letter as operators see it. */
export type DeadLetterView = ReturnType<typeof deadLetterView>;

/** What cannot be read is not shown: nobody knows what is secret in it. */
function readLetter({ kind }: LetterSource, { body }: DeadLetter): Reading {
  try {
    if (kind === "lane") return readLane(body);
    if (kind === "submission") return readSubmitted(body);
    if (kind === "usage") return { content: JSON.parse(String(body)) as unknown };
    if (kind !== "webhook") return {};
    const delivery = readWebhookDelivery(body);
    return { id: delivery.jobId, content: delivery };
  } catch {
    return {};
  }
}

function readLane(body: unknown): Reading {
  const { sealedHeaders: _, ...open } = readRequestEnvelope(body);
  return { id: open.id, user: open.userId, content: { ...open, ...withoutSecrets(open) } };
}

function readSubmitted(body: unknown): Reading {
  const { id, user, method, priority, body: bytes, ...request } = readSubmission(body);
  const text = bytes && Buffer.from(bytes).toString();
  return {
    id,
    user,
    content: { id, user, method, priority, ...withoutSecrets(request), body: text },
  };
}

type Addressed = Parameters<typeof sealRequest>[0];

function withoutSecrets({ target, headers }: Addressed): Addressed {
  const open = sealRequest({ target, headers }, undefined, "");
  return { target: open.target, headers: open.headers };
}
