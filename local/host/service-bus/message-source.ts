import type { RpcBindingInfo } from "../core/core-types.ts";
import type { MessageSource } from "./service-bus-client.ts";

const DEAD_LETTER_SUFFIX = /\/\$(?:DeadLetterQueue)$/i;

/** Where a `serviceBusTrigger` listens; undefined when it names neither queue nor subscription. */
export function messageSource(binding: RpcBindingInfo): MessageSource | undefined {
  const queueName = nonEmpty(binding["queueName"]);
  const topicName = nonEmpty(binding["topicName"]);
  const subscriptionName = nonEmpty(binding["subscriptionName"]);
  if (queueName) {
    const isDeadLetter = DEAD_LETTER_SUFFIX.test(queueName);
    return { queueName: queueName.replace(DEAD_LETTER_SUFFIX, ""), isDeadLetter };
  }
  if (!topicName || !subscriptionName) return undefined;
  const isDeadLetter = DEAD_LETTER_SUFFIX.test(subscriptionName);
  const name = subscriptionName.replace(DEAD_LETTER_SUFFIX, "");
  return { topicName, subscriptionName: name, isDeadLetter };
}

/** A source's path, for people. */
export function sourcePath(source: MessageSource): string {
  const path =
    "queueName" in source
      ? source.queueName
      : `${source.topicName}/Subscriptions/${source.subscriptionName}`;
  return source.isDeadLetter ? `${path}/$DeadLetterQueue` : path;
}

const nonEmpty = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
