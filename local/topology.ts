import type { Lanes } from "../shared/config/index.ts";
import type { NamespaceDefinition } from "./broker/index.ts";
import type { LocalTopic } from "./local-topics.ts";

/** The Service Bus namespace that the lanes document asks for; Bicep makes the same one in Azure. */
export function namespaceFor(
  { lanes, queueDefaults, replies, webhooks, submissions, statusTopic }: Lanes,
  topics: readonly LocalTopic[] = [],
): NamespaceDefinition {
  const defaults = {
    defaultMessageTimeToLiveMs: queueDefaults.defaultMessageTimeToLive,
    deadLetteringOnMessageExpiration: queueDefaults.deadLetteringOnMessageExpiration,
    requiresDuplicateDetection: queueDefaults.requiresDuplicateDetection,
    duplicateDetectionHistoryTimeWindowMs: queueDefaults.duplicateDetectionHistoryTimeWindow,
    maxSizeInMegabytes: queueDefaults.maxSizeInMegabytes,
  };
  const laneQueues = lanes.flatMap((lane) =>
    [lane.queue, lane.overQueue].map((name) => ({
      ...defaults,
      name,
      lockDurationMs: lane.lockDuration,
      maxDeliveryCount: lane.maxDeliveryCount,
    })),
  );
  const replyQueue = {
    name: replies.queue,
    requiresSession: true,
    lockDurationMs: replies.lockDuration,
    maxDeliveryCount: replies.maxDeliveryCount,
    defaultMessageTimeToLiveMs: replies.defaultMessageTimeToLive,
  };
  const webhookQueue = {
    ...defaults,
    name: webhooks.queue,
    lockDurationMs: webhooks.lockDuration,
    maxDeliveryCount: webhooks.maxDeliveryCount,
    defaultMessageTimeToLiveMs: webhooks.defaultMessageTimeToLive,
  };
  const submissionQueue = {
    ...defaults,
    name: submissions.queue,
    lockDurationMs: submissions.lockDuration,
    maxDeliveryCount: submissions.maxDeliveryCount,
    defaultMessageTimeToLiveMs: submissions.defaultMessageTimeToLive,
    deadLetteringOnMessageExpiration: true,
  };
  const { topic, subscription } = statusTopic;
  const callersTopics = topics.filter(({ name }) => name.toLowerCase() !== topic);
  const definedTopics = [{ name: topic, subscriptions: [] }, ...callersTopics].map(
    ({ name, subscriptions }) => ({
      name,
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindowMs: queueDefaults.duplicateDetectionHistoryTimeWindow,
      subscriptions: [subscription, ...subscriptions].map((each) => ({ name: each })),
    }),
  );
  const queues = [...laneQueues, replyQueue, webhookQueue, submissionQueue];
  return { queues, topics: definedTopics };
}
