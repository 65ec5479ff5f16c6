import type { HeaderList } from "./headers.ts";
import type { JsonMember } from "./json-member-scanner.ts";
import type { SpanPlace } from "./trace-context.ts";

/** A request as it stands at the gateway's door, free of any hosting framework. */
export interface GatewayRequest {
  /** The gateway's own id of this request; it is also the message or job id where one is made. */
  readonly id: string;
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly target: string;
  readonly headers: HeaderList;
  /** The body as it arrives; read at most once. */
  readonly body: AsyncIterable<Uint8Array> | undefined;
  /** Epoch milliseconds; the time to live counts from here. */
  readonly receivedAt: number;
  /** Aborts when the client is gone, so that whatever is done for it can stop. */
  readonly closed: AbortSignal;
  /** Its own span; absent where nobody traces. */
  readonly trace?: SpanPlace | undefined;
}

/** A whole request body: its bytes, or what holds them where they are too many for memory. */
export type RequestBody = Uint8Array | StoredBody;

/** A whole body outside of memory. */
export interface StoredBody {
  readonly sizeBytes: number;
  /** Of a JSON object, those members of its top level that decide where and how it is served. */
  readonly members: readonly JsonMember[];
  /** What it costs as a prompt, by an estimate; absent where nobody measured it as it came. */
  readonly promptTokens?: number | undefined;
  /** All bytes, from the first on; as often as wanted. */
  read(): AsyncIterable<Uint8Array>;
  /** Lets go of it, once whoever reads it is done. */
  close(): void;
}

/** A response body: whole, streamed, or absent. A stream must be read to its end or returned. */
export type ResponseBody = Uint8Array | AsyncIterable<Uint8Array> | undefined;

/** Which backend gave an answer, and what it was asked for: for who has to go there again. */
export interface CalledBackend {
  readonly hostKey: string;
  readonly origin: string;
  /** Path and query as they went on the wire. */
  readonly target: string;
}

/** What it took to get an answer. */
export interface RouteFacts {
  readonly attemptCount: number;
  /** Time spent in calls to backends, up to where the answer could be handed on. */
  readonly processMs: number;
  /** Who answered, by its label. */
  readonly backend?: string | undefined;
  readonly called?: CalledBackend | undefined;
}

/** An answer for the client. */
export interface GatewayResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: ResponseBody;
  /** Fields behind the body; known when that has been read. */
  readonly trailers?: (() => HeaderList) | undefined;
  /** The job that will give the answer, where this only says so. */
  readonly jobId?: string | undefined;
  /** Absent where no backend was called for it. */
  readonly route?: RouteFacts | undefined;
}

/** A JSON answer of the gateway itself: as things stand, and of one caller, so nobody may keep it. */
export function jsonResponse(
  status: number,
  value: unknown,
  headers: HeaderList = [],
): GatewayResponse {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  return {
    status,
    headers: [
      ["content-type", "application/json"],
      ["content-length", String(body.byteLength)],
      ["cache-control", "no-store"],
      ...headers,
    ],
    body,
  };
}
