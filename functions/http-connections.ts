import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "../shared/core/errors.ts";
import { fromRawHeaders, type HeaderList, withoutHeaders } from "../shared/core/headers.ts";

/** The socket's side of an HTTP invocation, which the Functions library does not show. */
export interface HttpConnection {
  /** Aborts when the client leaves before the answer is complete. */
  readonly closed: AbortSignal;
  /** Headers as they came, spelling and repetition included. */
  readonly headers: HeaderList;
  /** Path and query as they came. */
  readonly target: string;
  /** Takes the answer's headers: the library would sort, lower and join them. */
  setHeaders(headers: HeaderList): void;
  /** Adds fields behind the body, before its end; only chunked answers have room for them. */
  addTrailers(trailers: HeaderList): void;
  /** Resolves when the client has taken what was written so far, or is gone. */
  drained(): Promise<void> | undefined;
  /**
   * Breaks off an answer that cannot be completed, behind what was written: its client must see an
   * error, and no end. Resolves when the connection is closed.
   */
  breakOff(): Promise<void>;
}

const INVOCATION_ID = "x-ms-invocation-id";
// The host adds these on the way to the worker; the client did not send them.
const HOST_HEADERS = new Set([INVOCATION_ID, "x-forwarded-host", "x-forwarded-proto"]);

const clientClosed = (): GatewayError =>
  new GatewayError("client-closed", "The client closed the connection.");

interface RequestStart {
  request: IncomingMessage;
  response: ServerResponse;
}

/**
 * Finds the connection of an invocation. The library tells a handler nothing of a client that leaves,
 * and writes without heeding back-pressure; node's own `http.server.request.start` channel gives both.
 * Scope: per instance.
 */
export class HttpConnections {
  readonly #open = new Map<string, HttpConnection>();

  constructor() {
    subscribe("http.server.request.start", (message) => {
      const { request, response } = message as RequestStart;
      const id = request.headers[INVOCATION_ID];
      // The channel tells of every server in the process; ours carries the invocation's id.
      if (typeof id === "string" && !response.destroyed) this.#add(id, request, response);
    });
  }

  /** Undefined when the host does not stream (then nothing is known of the connection). */
  find(invocationId: string): HttpConnection | undefined {
    return this.#open.get(invocationId);
  }

  #add(id: string, request: IncomingMessage, response: ServerResponse): void {
    const closed = new AbortController();
    response.once("close", () => {
      this.#open.delete(id);
      if (!response.writableFinished) closed.abort(clientClosed());
    });
    this.#open.set(id, {
      closed: closed.signal,
      headers: withoutHeaders(fromRawHeaders(request.rawHeaders), (name) => HOST_HEADERS.has(name)),
      target: request.url ?? "/",
      setHeaders: (headers) => setHeaders(response, headers),
      addTrailers: (trailers) =>
        response.addTrailers(trailers.map(([name, value]): [string, string] => [name, value])),
      drained: () => drained(response),
      breakOff: () => breakOff(response),
    });
  }
}

function drained(response: ServerResponse): Promise<void> | undefined {
  if (!response.writableNeedDrain || response.destroyed) return undefined;
  const over = new AbortController();
  const { signal } = over;
  return Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })])
    .then(() => undefined)
    .finally(() => over.abort());
}

/** In the order, spelling and number given; what the host has set under the same name gives way. */
function setHeaders(response: ServerResponse, headers: HeaderList): void {
  const names = new Set<string>();
  for (const [name, value] of headers) {
    const lowerCaseName = name.toLowerCase();
    if (names.has(lowerCaseName)) response.appendHeader(name, value);
    else response.setHeader(name, value);
    names.add(lowerCaseName);
  }
}

// For a client that does not even read what was written.
const FLUSH_LIMIT_MS = 5000;

async function breakOff(response: ServerResponse): Promise<void> {
  const { socket } = response;
  if (response.closed || !socket) return;
  const closed = once(response, "close");
  const isFramed = response.chunkedEncoding || response.hasHeader("content-length");
  if (!response.headersSent) response.destroy();
  // Without a length or chunks an end of the connection would be the end of the answer; a reset is not.
  else if (!isFramed) socket.resetAndDestroy();
  else socket.destroySoon();
  const timer = setTimeout(() => response.destroy(), FLUSH_LIMIT_MS).unref();
  await closed;
  clearTimeout(timer);
}
