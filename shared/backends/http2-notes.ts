import { subscribe } from "node:diagnostics_channel";
import type { ClientHttp2Stream } from "node:http2";
import { fromRawHeaders, type HeaderList, headerValue } from "../core/headers.ts";

/**
 * What undici does not tell of an HTTP/2 stream: its fields as they came, each for itself and in their
 * order, and whether its backend ended it. Scope: one stream.
 */
export class Http2Notes {
  #headers: HeaderList | undefined;
  #trailers: HeaderList | undefined;
  #hasEnded = false;
  #hasLength = false;
  #undeliveredBytes = 0;

  constructor(stream: ClientHttp2Stream) {
    stream.once("response", (...[, , raw]: unknown[]) => {
      this.#headers = fieldsOf(raw);
      this.#hasLength = headerValue(this.#headers ?? [], "content-length") !== undefined;
    });
    stream.once("trailers", (...[, , raw]: unknown[]) => {
      this.#trailers = fieldsOf(raw);
    });
    // Of a stream that is reset with CANCEL, or without an error code, node tells that it has ended. Only
    // the order tells the two apart: of one that was ended, node puts the end behind its bytes before it
    // closes the stream, else thereafter. https://github.com/nodejs/node/issues/56627
    const push = stream.push.bind(stream);
    const noted: typeof push = (chunk, encoding) => {
      if (chunk === null && !stream.closed) this.#hasEnded = true;
      this.#undeliveredBytes += chunk?.byteLength ?? 0;
      return push(chunk, encoding);
    };
    stream.push = noted;
  }

  get headers(): HeaderList | undefined {
    return this.#headers;
  }

  get trailers(): HeaderList | undefined {
    return this.#trailers;
  }

  /** Undici has handed on so many bytes. */
  delivered(bytes: number): void {
    this.#undeliveredBytes -= bytes;
  }

  /** Whether all of an answer has been handed on, whatever became of the rest of its request. */
  get isWhole(): boolean {
    return this.#hasEnded && this.#undeliveredBytes === 0;
  }

  /**
   * Whether what node tells as the end may have been none: the backend did not say that nothing follows, and
   * there is no length with which undici compares what came.
   */
  get isCut(): boolean {
    return !this.#hasEnded && !this.#hasLength;
  }
}

function fieldsOf(raw: unknown): HeaderList | undefined {
  if (!Array.isArray(raw)) return undefined;
  return fromRawHeaders(raw).filter(([name]) => !name.startsWith(":"));
}

let isListening = false;
let boarding: ((notes: Http2Notes) => void) | undefined;

/**
 * Gives the notes of the stream that is opened next in this turn: undici opens it as soon as its handler
 * knows that the request begins. Scope: per process, as node's channels are.
 */
export function noteNextStream(take: (notes: Http2Notes) => void): void {
  boarding = take;
  queueMicrotask(() => {
    if (boarding === take) boarding = undefined;
  });
  if (isListening) return;
  isListening = true;
  subscribe("http2.client.stream.created", (message) => {
    const taking = boarding;
    boarding = undefined;
    taking?.(new Http2Notes((message as { stream: ClientHttp2Stream }).stream));
  });
}
