import type { HeaderList } from "./headers.ts";

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
}

/** A response body: whole, streamed, or absent. A stream must be read to its end or returned. */
export type ResponseBody = Uint8Array | AsyncIterable<Uint8Array> | undefined;

/** An answer for the client. */
export interface GatewayResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: ResponseBody;
  /** Fields behind the body; known when that has been read. */
  readonly trailers?: (() => HeaderList) | undefined;
}

/** A JSON answer of the gateway itself. */
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
      ...headers,
    ],
    body,
  };
}
