import { contentCodings } from "./content-codings.ts";
import { type HeaderList, headerValue } from "./headers.ts";

/** Whether a body is an event stream that can be looked into: one that is coded passes unread. */
export const isPlainEventStream = (headers: HeaderList): boolean =>
  /^\s*text\/event-stream\b/i.test(headerValue(headers, "content-type") ?? "") &&
  contentCodings(headers).length === 0;
