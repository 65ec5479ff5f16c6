import {
  type HttpRequest,
  HttpResponse,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
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
    method: connection?.method ?? request.method,
    target: connection?.target ?? targetOf(request.url),
    headers: connection?.headers ?? [...request.headers],
    body: connection ? connection.body() : (request.body ?? undefined),
    receivedAt,
    closed: connection?.closed ?? NEVER_CLOSED,
  };
}

// Not through URL, which would normalise the path that backends are to see as it was sent.
const targetOf = (url: string): string => url.replace(/^https?:\/\/[^/?#]*/i, "") || "/";

/** The gateway's answer as the Functions library takes it. */
export function toHttpResponse(
  { status, headers, body, trailers }: GatewayResponse,
  connection: HttpConnection | undefined,
): HttpResponse | HttpResponseInit {
  // Headers go to the socket's own response where there is one: the library keeps neither their
  // order nor their spelling, and joins or loses those that repeat.
  if (connection && body !== undefined) {
    return selfSent(status, connection, { headers, body, trailers });
  }
  connection?.setHeaders(headers);
  return {
    status,
    headers: connection ? [] : headers.map(([name, value]): [string, string] => [name, value]),
    enableContentNegotiation: false,
    ...(body === undefined ? {} : { body }),
  };
}

// The library asks for one by its name, and for all. Fetch's `Headers` are slower to ask, and with the first
// of them node loads all of its fetch.
const NO_HEADERS: ReadonlyMap<string, string> = new Map();
const NO_COOKIES: readonly [] = [];

/**
 * An answer that writes itself: the library's own way makes a web stream of a body, spends several promises
 * on every piece, and never waits for a slow client. What the library does before (the status) and after
 * (the end) stays its own. Scope: one answer.
 */
abstract class SelfSentAnswer {
  readonly headers = NO_HEADERS;
  readonly cookies = NO_COOKIES;
  readonly enableContentNegotiation = false;
  readonly status: number;

  constructor(status: number) {
    this.status = status;
  }
}

// One of the library's answers, by which it knows them, without its constructor: that would make a fetch
// `Response` of each, which nobody reads.
Object.setPrototypeOf(SelfSentAnswer.prototype, HttpResponse.prototype);

/** Goes out when the library, which has set its status, asks for its body; there is none to be read then. */
class WholeAnswer extends SelfSentAnswer {
  readonly #send: () => void;

  constructor(status: number, send: () => void) {
    super(status);
    this.#send = send;
  }

  get body(): null {
    this.#send();
    return null;
  }
}

/** Goes out when the library begins to read: it uses the values of a stream, which are none here, and end when all is sent. */
class StreamedAnswer extends SelfSentAnswer {
  readonly #send: () => Promise<void>;

  constructor(status: number, send: () => Promise<void>) {
    super(status);
    this.#send = send;
  }

  get body(): this {
    return this;
  }

  values(): this {
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorReturnResult<undefined>> {
    await this.#send();
    return { done: true, value: undefined };
  }
}

interface Unsent extends Pick<GatewayResponse, "headers" | "trailers"> {
  readonly body: Exclude<ResponseBody, undefined>;
}

function selfSent(
  status: number,
  connection: HttpConnection,
  { headers, body, trailers }: Unsent,
): HttpResponse {
  const answer =
    body instanceof Uint8Array
      ? new WholeAnswer(status, () => connection.sendWhole({ headers, body }))
      : new StreamedAnswer(status, () => connection.sendStream({ headers, body, trailers }));
  return answer as unknown as HttpResponse;
}
