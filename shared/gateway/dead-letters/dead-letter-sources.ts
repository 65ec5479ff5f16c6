import type { Lanes } from "../../config/index.ts";
import { GatewayError } from "../../core/errors.ts";
import type { DeadLetterSource } from "../../messaging/index.ts";
import { USAGE_QUEUE } from "../usage/usage-services.ts";

/** What the messages of an entity are, and so what may be done with its dead letters. */
export type LetterKind = "lane" | "submission" | "webhook" | "usage" | "other";

/** One entity of the waiting room, with the kind of its messages. */
export type LetterSource = DeadLetterSource & { readonly kind: LetterKind };

/** Every entity that has dead letters, in the order in which they are listed. */
export function deadLetterSources(document: Lanes): readonly LetterSource[] {
  const { lanes, replies, webhooks, submissions, statusTopic } = document;
  const queue = (kind: LetterKind, name: string): LetterSource => ({ kind, name, queue: name });
  return [
    ...lanes.flatMap((lane) => [queue("lane", lane.queue), queue("lane", lane.overQueue)]),
    queue("submission", submissions.queue),
    queue("webhook", webhooks.queue),
    queue("usage", USAGE_QUEUE),
    queue("other", replies.queue),
    { kind: "other", name: `${statusTopic.topic}:${statusTopic.subscription}`, ...statusTopic },
  ];
}

/** The entity of a name; throws for one that is none of ours. */
export function deadLetterSource(lanes: Lanes, name: string): LetterSource {
  const source = deadLetterSources(lanes).find((each) => each.name === name);
  if (source) return source;
  throw new GatewayError("dead-letter-not-found", "There is no such queue.");
}
