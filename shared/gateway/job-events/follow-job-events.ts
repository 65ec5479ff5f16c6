import { GatewayError } from "../../core/errors.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import type { GatewayResponse } from "../../core/http.ts";
import { isFinalEvent } from "../../jobs/index.ts";
import { findOwn, type JobQuery } from "../jobs/read-job.ts";
import type { Services } from "../services.ts";
import { eventView } from "./event-view.ts";

const RECONNECT_MS = 2000;
const MAX_SEQUENCE_DIGITS = 9;

const STREAM_HEADERS: HeaderList = [
  ["content-type", "text/event-stream"],
  ["cache-control", "no-store"],
  // Proxies in front must not wait for more before they pass an event on.
  ["x-accel-buffering", "no"],
];

/** Who follows a job's events. */
export interface EventsQuery extends JobQuery {
  /** Aborts when the reader is gone. */
  readonly closed: AbortSignal;
}

/**
 * A job's changes of state as server-sent events, from its first or from behind `Last-Event-ID`, to its
 * end. A reader that has seen the end gets 204, which tells browsers to stop asking.
 */
export async function followJobEvents(
  services: Services,
  query: EventsQuery,
): Promise<GatewayResponse> {
  const { jobs } = await findOwn(services, query);
  const after = lastEventId(query.headers);
  const known = after > 0 ? await jobs.eventLog.read(query.id) : undefined;
  const last = known?.events.at(-1);
  if (last && isFinalEvent(last) && after >= last.sequence) {
    return { status: 204, headers: [], body: undefined };
  }
  jobs.feed.checkRoom();
  return { status: 200, headers: STREAM_HEADERS, body: frames(services, query, after) };
}

function lastEventId(headers: HeaderList): number {
  const text = headerValue(headers, "last-event-id")?.trim() ?? "";
  if (text === "") return 0;
  if (/^\d+$/.test(text) && text.length <= MAX_SEQUENCE_DIGITS) return Number(text);
  throw new GatewayError("bad-request", "The header Last-Event-ID is not the number of an event.");
}

async function* frames(
  { jobs, stopping }: Services,
  { id, closed }: EventsQuery,
  after: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!jobs) return;
  const over = new AbortController();
  const end = (): void => over.abort();
  // An instance that stops lets its readers go: they ask another one for the rest.
  const ends = [closed, stopping];
  for (const signal of ends) signal.addEventListener("abort", end, { once: true });
  if (ends.some((signal) => signal.aborted)) end();
  try {
    yield Buffer.from(`retry: ${RECONNECT_MS}\n\n`);
    for await (const event of jobs.feed.follow(id, after, over.signal)) {
      const text = event
        ? `id: ${event.sequence}\ndata: ${JSON.stringify(eventView(id, event))}\n\n`
        : ": waiting\n\n";
      yield Buffer.from(text);
    }
  } finally {
    for (const signal of ends) signal.removeEventListener("abort", end);
  }
}
