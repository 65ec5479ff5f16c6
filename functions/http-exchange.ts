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
  if (response.body === undefined) return init;
  return { ...init, body: paced(response.body, connection) };
}

type Body = Exclude<ResponseBody, undefined>;

function paced(body: Body, connection: HttpConnection | undefined): Body {
  return body instanceof Uint8Array || !connection ? body : pace(body, connection);
}

/** Asks for the next chunk only when the client has taken the last: memory stays flat under a slow reader. */
async function* pace(
  body: AsyncIterable<Uint8Array>,
  connection: HttpConnection,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of body) {
      yield chunk;
      const waiting = connection.drained();
      if (waiting !== undefined) await waiting;
      if (connection.closed.aborted) return;
    }
  } catch (error) {
    // The library would leave the response open, and the client waiting for what never comes.
    await connection.breakOff();
    throw error;
  }
}
