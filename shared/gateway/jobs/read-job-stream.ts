import { asBuffer } from "../../core/bytes.ts";
import { GatewayError } from "../../core/errors.ts";
import { headerValue } from "../../core/headers.ts";
import type { GatewayResponse } from "../../core/http.ts";
import type { JobOutcome } from "../../jobs/index.ts";
import { SseFrames } from "../results/sse-frames.ts";
import type { TailView, TailWatch } from "../results/stream-tails.ts";
import type { JobServices, Services } from "../services.ts";
import { findOwn, type JobQuery } from "./read-job.ts";

// Front doors close connections on which nothing moves: App Service after 230 s, proxies sooner.
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = Buffer.from(": \n\n");
const READ_BYTES = 512 * 1024;
// The first bytes, too: answers and their heads reach a reader when something of their body is there.
const FIRST_WORDS = Buffer.from("retry: 1000\n\n");
const HEADERS = [
  ["content-type", "text/event-stream"],
  ["cache-control", "no-store"],
  // Proxies that gather answers would keep the events back.
  ["x-accel-buffering", "no"],
] as const;

/** Who follows a job's stream. */
export interface StreamQuery extends JobQuery {
  /** Aborts when the reader is gone. */
  readonly closed: AbortSignal;
}

/** Where a reader goes on: behind so many bytes of a stream, or at the end, which it has seen. */
type Place =
  | { readonly stream: number | undefined; readonly offset: number }
  | { readonly isEnd: true };

/**
 * A job's event stream, from any place, live: what is stored already at once, then what comes. Every
 * event has an id with which another call goes on behind it, here or in another instance.
 */
export async function readJobStream(
  services: Services,
  query: StreamQuery,
): Promise<GatewayResponse> {
  const { snapshot, jobs } = await findOwn(services, query);
  const place = placeIn(query);
  // 204 tells an EventSource to stop coming back.
  if ("isEnd" in place && snapshot.outcome) return { status: 204, headers: [], body: undefined };
  const from = "isEnd" in place ? { stream: undefined, offset: 0 } : place;
  const reader = { services, jobs, jobId: snapshot.job.id, from, closed: query.closed };
  return { status: 200, headers: HEADERS, body: follow(reader) };
}

function placeIn({ headers, target }: StreamQuery): Place {
  const asked = new URL(target, "http://gateway").searchParams.get("from");
  const text = asked ?? headerValue(headers, "last-event-id") ?? "";
  const [, stream, offset] = /^(?:(\d{1,9})-)?(\d{1,15}|end)$/.exec(text) ?? [];
  if (offset === "end") return { isEnd: true };
  if (offset !== undefined) {
    return { stream: stream === undefined ? undefined : Number(stream), offset: Number(offset) };
  }
  if (text === "") return { stream: undefined, offset: 0 };
  throw new GatewayError("bad-request", "The place to go on from is not an id of this stream.");
}

interface Reader {
  readonly services: Services;
  readonly jobs: JobServices;
  readonly jobId: string;
  readonly from: { readonly stream: number | undefined; readonly offset: number };
  readonly closed: AbortSignal;
}

async function* follow(reader: Reader): AsyncGenerator<Uint8Array, void, undefined> {
  const { services, jobs, jobId, from, closed } = reader;
  const endsAt = services.clock.now() + services.settings.jobStreamMs;
  using watch = jobs.tails.watch(jobId);
  let frames: SseFrames | undefined;
  let followed = from.stream;
  yield FIRST_WORDS;
  for (let version = 0; !closed.aborted; ) {
    const view = await nextView(watch, { services, version, endsAt, closed });
    if (view) {
      const { stream } = view;
      version = view.version;
      if (stream && (frames === undefined || stream.number !== followed)) {
        const isOther = followed !== undefined && stream.number !== followed;
        frames = new SseFrames(stream.number, isOther ? 0 : from.offset);
        if (isOther) yield event("stream.restart", { attempt: stream.attempt }, frames.id);
        followed = stream.number;
      }
      if (frames) yield* newFrames(reader, view, frames);
      if (view.outcome) {
        if (frames && view.outcome.result?.stream !== undefined) yield frames.end();
        yield ended(reader, view.outcome, followed ?? 0);
        return;
      }
    } else if (services.clock.now() >= endsAt) {
      yield continued(frames?.id ?? "");
      return;
    } else {
      yield HEARTBEAT;
    }
  }
}

interface Wait {
  readonly services: Services;
  readonly version: number;
  readonly endsAt: number;
  readonly closed: AbortSignal;
}

/** Undefined when there is nothing to show, but it is time for a sign of life or for the end. */
async function nextView(
  watch: TailWatch,
  { services, version, endsAt, closed }: Wait,
): Promise<TailView | undefined> {
  const leftMs = endsAt - services.clock.now();
  if (leftMs <= 0) return undefined;
  try {
    return await watch.changed(version, Math.min(HEARTBEAT_MS, leftMs), closed);
  } catch (error) {
    if (closed.aborted) return undefined;
    throw error;
  }
}

/** The bytes up to the view's end, as events. Those of a blob that is gone are left for the next view. */
async function* newFrames(
  { jobs }: Reader,
  { sizeBytes, stream, outcome }: TailView,
  frames: SseFrames,
): AsyncGenerator<Uint8Array, void, undefined> {
  while (stream && frames.nextOffset < sizeBytes) {
    const from = frames.nextOffset;
    const range = { from, count: Math.min(READ_BYTES, sizeBytes - from) };
    const content = outcome?.result
      ? await jobs.files.open(outcome.result, range)
      : await jobs.results.readStream(stream.blob, range);
    if (!content) return;
    for await (const bytes of content.body) {
      const whole = frames.push(asBuffer(bytes));
      if (whole.byteLength > 0) yield whole;
    }
    if (frames.nextOffset === from) return;
  }
}

function event(name: string, data: object, id: string): Buffer {
  const place = id === "" ? "" : `id: ${id}\n`;
  return Buffer.from(`event: ${name}\n${place}data: ${JSON.stringify(data)}\n\n`);
}

/** The answer has lasted as long as one may; the job has not ended. */
const continued = (id: string): Buffer => event("stream.continue", { from: id }, id);

function ended({ jobId }: Reader, { state, error }: JobOutcome, stream: number): Buffer {
  const data = {
    id: jobId,
    state,
    // Under the name, and with the fields, in which model clients look.
    ...(error ? { error: { ...error, message: error.detail } } : {}),
  };
  return event("job.ended", data, `${stream}-end`);
}
