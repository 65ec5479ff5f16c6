import { IncomingMessage, ServerResponse } from "node:http";

/** Links a request to its invocation, between host and library; never shown to clients. */
export const INVOCATION_ID_HEADER = "x-ms-invocation-id";

/** A client's request; it counts its body, whoever reads it. Scope: one request. */
export class PublicRequest extends IncomingMessage {
  #bytes = 0;
  #limitBytes = Number.POSITIVE_INFINITY;
  #onTooLarge: (() => void) | undefined;

  /** Calls `onTooLarge` once, and hands out no further bytes, when the body outgrows the limit. */
  limitBody(limitBytes: number, onTooLarge: () => void): void {
    this.#limitBytes = limitBytes;
    this.#onTooLarge = onTooLarge;
  }

  // Node's parser pushes every chunk of the body through here, so counting costs no extra reader.
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk instanceof Uint8Array) this.#bytes += chunk.byteLength;
    if (this.#bytes <= this.#limitBytes) return super.push(chunk, encoding);
    this.#onTooLarge?.();
    this.#onTooLarge = undefined;
    // A reader must see a failure, never a body that was cut short and looks complete.
    if (chunk === null) this.destroy(new Error("The request body is too large."));
    return true;
  }
}

// Kestrel gives a client this long to finish sending a body that nobody reads.
const DRAIN_LIMIT_MS = 5000;

/** The response to a client. The library writes to it directly. Scope: one request. */
export class PublicResponse extends ServerResponse<PublicRequest> {
  override setHeader(name: string, value: number | string | readonly string[]): this {
    return name === INVOCATION_ID_HEADER ? this : super.setHeader(name, value);
  }

  // Few answers come before their request has been read, so nobody waits for the end of the others.
  override end(...given: unknown[]): this {
    const isFirst = !this.writableEnded;
    super.end(...(given as Parameters<ServerResponse["end"]>));
    if (isFirst && !this.req.complete && hasBody(this.req)) this.once("finish", drain);
    return this;
  }
}

/** Whether a request comes with a body. */
export function hasBody({ headers }: PublicRequest): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/**
 * Reads away what is left of a body after the response, or the connection could serve no further
 * request: node does so itself only for a body that nobody began to read.
 */
function drain(this: PublicResponse): void {
  const request = this.req;
  if (request.complete || request.destroyed) return;
  // A reader that has stopped would pause it again, with the connection's next requests behind it.
  request.removeAllListeners("readable");
  request.removeAllListeners("data");
  request.resume();
  const timer = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, DRAIN_LIMIT_MS).unref();
  request.once("close", () => clearTimeout(timer));
  request.once("end", () => clearTimeout(timer));
}
