import { ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";
import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { GatewayRequest, GatewayResponse, ResponseBody } from "../shared/core/http.ts";
import type { HttpConnection, HttpConnections } from "./http-connections.ts";

/** What the mapping needs besides the invocation. */
export interface ExchangeOptions {
  readonly connections: HttpConnections;
  readonly requestId: string;
  readonly receivedAt: number;
}

const NEVER_CLOSED = new AbortController().signal;

/** The gateway's view of an HTTP invocation. */
export function toGatewayRequest(
  request: HttpRequest,
  { invocationId }: InvocationContext,
  { connections, requestId, receivedAt }: ExchangeOptions,
): GatewayRequest {
  const connection = connections.find(invocationId);
  return {
    id: requestId,
    method: request.method,
    target: connection?.target ?? targetOf(request.url),
    headers: connection?.headers ?? [...request.headers],
    body: request.body ?? undefined,
    receivedAt,
    closed: connection?.closed ?? NEVER_CLOSED,
  };
}

// Not through URL, which would normalise the path that backends are to see as it was sent.
const targetOf = (url: string): string => url.replace(/^https?:\/\/[^/?#]*/i, "") || "/";

/** The gateway's answer as the Functions library takes it, at the pace at which the client reads. */
export function toHttpResponse(
  response: GatewayResponse,
  connection: HttpConnection | undefined,
): HttpResponseInit {
  // Headers go to the socket's own response where there is one: the library keeps neither their
  // order nor their spelling, and joins or loses those that repeat.
  connection?.setHeaders(response.headers);
  const headers = connection ? [] : response.headers;
  const init: HttpResponseInit = {
    status: response.status,
    headers: headers.map(([name, value]) => [name, value] as [string, string]),
    enableContentNegotiation: false,
  };
  const body = paced(response, connection);
  return body === undefined ? init : { ...init, body };
}

type Body = Exclude<ResponseBody, undefined>;

/** An answer's chunks on their way to a connection. */
interface Passage {
  readonly chunks: AsyncIterator<Uint8Array, unknown>;
  readonly trailers: GatewayResponse["trailers"];
  readonly connection: HttpConnection;
}

function paced(
  { body, trailers }: GatewayResponse,
  connection: HttpConnection | undefined,
): Body | ReadableStream<Uint8Array> | undefined {
  if (body === undefined || body instanceof Uint8Array || !connection) return body;
  const chunks = body[Symbol.asyncIterator]();
  const passage = { chunks, trailers, connection };
  // A stream made here costs a third of what the library makes of an iterator, and copies nothing.
  // It holds nothing either: the library asks for a chunk when it has written the last.
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => passNext(controller, passage),
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Hands on the next chunk once the client has taken the last: memory stays flat under a slow reader. */
async function passNext(
  controller: ReadableStreamDefaultController<Uint8Array>,
  { chunks, trailers, connection }: Passage,
): Promise<void> {
  const waiting = connection.drained();
  if (waiting !== undefined) await waiting;
  if (connection.closed.aborted) {
    await chunks.return?.();
    controller.close();
    return;
  }
  try {
    const { done, value } = await chunks.next();
    if (!done) {
      controller.enqueue(value);
      return;
    }
    if (trailers) connection.addTrailers(trailers());
    controller.close();
  } catch (error) {
    // A client that left has nobody to tell, and is no failure of the function.
    if (connection.closed.aborted) {
      controller.close();
      return;
    }
    // The library would leave the response open, and the client waiting for what never comes.
    await connection.breakOff();
    throw error;
  }
}
