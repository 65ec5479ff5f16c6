import { AMAZON_EVENTS } from "./amazon-events.ts";

/** Whether a body of this type, in lower case, tells one event after the other. */
export const isEventStream = (type: string): boolean =>
  type.includes("text/event-stream") || type.includes(AMAZON_EVENTS);
