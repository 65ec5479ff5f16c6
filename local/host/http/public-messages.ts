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

/** The response to a client. The library writes to it directly. Scope: one request. */
export class PublicResponse extends ServerResponse<PublicRequest> {
  override setHeader(name: string, value: number | string | readonly string[]): this {
    return name === INVOCATION_ID_HEADER ? this : super.setHeader(name, value);
  }
}
