import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";

// A connection a request, as from clients that know nothing of each other. It also leaves no doubt about
// a reset: on a kept connection it may only say that the server had tired of waiting.
const AGENT_OPTIONS = { keepAlive: false };
const STATUSES_WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * A `fetch` without time limits of its own: Node's gives up after five minutes without headers, and a
 * request may wait in a lane for longer. The caller's signal ends it. Scope: one replay.
 */
export class HttpFetch {
  readonly #http = new HttpAgent(AGENT_OPTIONS);
  readonly #https = new HttpsAgent(AGENT_OPTIONS);

  readonly fetch = async (
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> => {
    const body = textBody(init.body);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const url = new URL(input instanceof Request ? input.url : input);
    const isTls = url.protocol === "https:";
    const options: RequestOptions = {
      agent: isTls ? this.#https : this.#http,
      method: init.method ?? "GET",
      headers: Object.fromEntries(new Headers(init.headers)),
      ...(init.signal ? { signal: init.signal } : {}),
    };
    const request = (isTls ? httpsRequest : httpRequest)(url, options);
    request.once("response", (incoming) => resolve(toResponse(incoming)));
    // Stays for good: an abort after the response is an error of the request once more.
    request.on("error", reject);
    request.end(body);
    return promise;
  };

  /** Drops every connection, those in use as well. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function textBody(body: RequestInit["body"]): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string") return body;
  throw new TypeError("The replay sends text bodies only.");
}

function toResponse(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  if (STATUSES_WITHOUT_BODY.has(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  // The types of node:stream/web and of the global Response differ, the objects do not.
  const body = Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>;
  return new Response(body, { status, headers });
}
