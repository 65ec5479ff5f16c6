import { SpoolError, storeBody } from "../backends/index.ts";
import { TooManyBytesError } from "../core/bytes.ts";
import { GatewayError } from "../core/errors.ts";
import { headerValue } from "../core/headers.ts";
import type { GatewayRequest, RequestBody } from "../core/http.ts";
import type { ClaimCheck, MessageBody } from "../messaging/index.ts";

const DECIDING_MEMBERS: ReadonlySet<string> = new Set(["model", "stream", "background"]);

/**
 * Takes a request's body to its end before the request claims anything: a client that sends slowly must
 * hold no slot and no backend, and any attempt may have to be repeated.
 */
export async function readRequestBody(
  { body, headers }: GatewayRequest,
  maxBytes: number,
): Promise<RequestBody | undefined> {
  if (!body) return undefined;
  const isJson =
    headerValue(headers, "content-type")?.toLowerCase().includes("json") &&
    headerValue(headers, "content-encoding") === undefined;
  const memberNames = isJson ? DECIDING_MEMBERS : undefined;
  try {
    const stored = await storeBody(body, { maxBytes, memberNames });
    return stored instanceof Uint8Array && stored.byteLength === 0 ? undefined : stored;
  } catch (cause) {
    if (cause instanceof TooManyBytesError) {
      throw new GatewayError("request-too-large", cause.message, { cause });
    }
    if (cause instanceof SpoolError) {
      throw new GatewayError("internal", "The request body could not be kept.", { cause });
    }
    throw new GatewayError("bad-request", "The request body ended early.", { cause });
  }
}

/** Puts a request's body into a message, or beside it, without holding what is not held. */
export function packRequestBody(
  claimCheck: ClaimCheck,
  name: string,
  body: RequestBody | undefined,
): Promise<MessageBody | undefined> {
  return body === undefined || body instanceof Uint8Array
    ? claimCheck.pack(name, body)
    : claimCheck.packStream(name, body.read());
}
