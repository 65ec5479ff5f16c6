import type { Lanes } from "../shared/config/index.ts";
import type { NamespaceDefinition } from "./broker/index.ts";

/** The Service Bus namespace that the lanes document asks for; Bicep makes the same one in Azure. */
export function namespaceFor({
  lanes,
  queueDefaults,
  replies,
  statusTopic,
}: Lanes): NamespaceDefinition {
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
  const topic = {
    name: statusTopic.topic,
    requiresDuplicateDetection: true,
    duplicateDetectionHistoryTimeWindowMs: queueDefaults.duplicateDetectionHistoryTimeWindow,
    subscriptions: [{ name: statusTopic.subscription }],
  };
  return { queues: [...laneQueues, replyQueue], topics: [topic] };
}
