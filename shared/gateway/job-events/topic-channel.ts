import { isFinalEvent, type StatusEvent } from "../../jobs/index.ts";
import type { ServiceBus } from "../../messaging/index.ts";
import type { LoggedJob } from "../jobs/job-event-rows.ts";
import { eventView } from "./event-view.ts";
import type { EventChannel } from "./job-events.ts";

// How long a message really stays is for the topic to say, whose own limit holds when it is shorter.
const EVENT_TTL_MS = 30 * 24 * 3_600_000;

/**
 * The caller's own Service Bus topic. A message's id is its job's and its number in it, so a topic with
 * duplicate detection passes on each event once, whoever sent it how often.
 */
export function createTopicChannel(bus: Pick<ServiceBus, "send">): EventChannel {
  return {
    name: "topic",
    concerns: ({ targets }) => targets.topic !== undefined,
    async send(job, event) {
      const { topic } = job.targets;
      if (topic === undefined) return;
      const { sequence, status, state } = event;
      await bus.send(topic, {
        messageId: `job-${job.id}-event-${sequence}`,
        // Subscriptions with sessions get each job's events in order, however many read them.
        sessionId: `job-${job.id}`,
        timeToLiveMs: EVENT_TTL_MS,
        body: toTopicMessage(job, topic, event),
        applicationProperties: {
          jobId: job.id,
          sequence,
          status,
          state,
          isFinal: isFinalEvent(event),
        },
      });
    },
  };
}

/** The original's four fields first, by its own names; then ours. */
function toTopicMessage({ id }: LoggedJob, topicName: string, event: StatusEvent) {
  return {
    RequestGuid: id,
    Status: event.status,
    Timestamp: new Date(event.at).toISOString(),
    topicName,
    ...eventView(id, event),
  };
}
