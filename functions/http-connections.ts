import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "../shared/core/errors.ts";
import { fromRawHeaders, type HeaderList, withoutHeaders } from "../shared/core/headers.ts";
import { TransientMap } from "../shared/core/transient-map.ts";
import { arrivingBody } from "./arriving-body.ts";
import {
  type StreamedAnswer,
  sendStream,
  sendWhole,
  setHeaders,
  type WholeAnswer,
} from "./send-answer.ts";

/** The socket's side of an HTTP invocation, which the Functions library does not show. */
export interface HttpConnection {
  /** Aborts when the client leaves before the answer is complete. */
  readonly closed: AbortSignal;
  readonly method: string;
  /** Headers as they came, spelling and repetition included. */
  readonly headers: HeaderList;
  /** Path and query as they came. */
  readonly target: string;
  /** The body as it arrives, no faster than it is read; to be asked for once. */
  body(): AsyncIterable<Uint8Array> | undefined;
  /** Takes the headers of an answer without a body: the library would sort, lower and join them. */
  setHeaders(headers: HeaderList): void;
  /** Writes an answer that is whole. */
  sendWhole(answer: WholeAnswer): void;
  /** Writes headers and body of an answer, at the pace at which the client reads. */
  sendStream(answer: StreamedAnswer): Promise<void>;
}

const INVOCATION_ID = "x-ms-invocation-id";
// The host adds these on the way to the worker; the client did not send them.
const HOST_HEADERS = new Set([INVOCATION_ID, "x-forwarded-host", "x-forwarded-proto"]);

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
  readonly #open = new TransientMap<string, HttpConnection>();

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
    const connection = new OpenConnection(request, response);
    this.#open.set(id, connection);
    response.on("close", () => {
      this.#open.delete(id);
      connection.ended();
    });
  }
}

/** Scope: one invocation. */
class OpenConnection implements HttpConnection {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #closed = new AbortController();

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get method(): string {
    return this.#request.method ?? "GET";
  }

  get headers(): HeaderList {
    return withoutHeaders(fromRawHeaders(this.#request.rawHeaders), isHostHeader);
  }

  get target(): string {
    return this.#request.url ?? "/";
  }

  body(): AsyncIterable<Uint8Array> | undefined {
    return arrivingBody(this.#request);
  }

  setHeaders(headers: HeaderList): void {
    setHeaders(this.#response, headers);
  }

  sendWhole(answer: WholeAnswer): void {
    sendWhole(this.#response, answer);
  }

  sendStream(answer: StreamedAnswer): Promise<void> {
    return sendStream(this.#response, answer, this.closed);
  }

  /** The response is over, whole or not. */
  ended(): void {
    if (!this.#response.writableFinished) this.#closed.abort(clientClosed());
  }
}

const isHostHeader = (name: string): boolean => HOST_HEADERS.has(name);

const clientClosed = (): GatewayError =>
  new GatewayError("client-closed", "The client closed the connection.");
