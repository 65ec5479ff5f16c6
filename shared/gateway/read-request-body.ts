import { SpoolError, storeBody } from "../backends/index.ts";
import { TooManyBytesError } from "../core/bytes.ts";
import { GatewayError } from "../core/errors.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import type { GatewayRequest, RequestBody } from "../core/http.ts";
import { PromptMeter } from "../limits/index.ts";
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
  try {
    const stored = await storeRequestBody({ body, headers }, maxBytes);
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

/** Holds a body: in memory, or in a file when it is long, with what decides where and how it is served. */
function storeRequestBody(
  { body, headers }: { body: AsyncIterable<Uint8Array>; headers: HeaderList },
  maxBytes: number,
): Promise<RequestBody> {
  const isJson =
    headerValue(headers, "content-type")?.toLowerCase().includes("json") &&
    headerValue(headers, "content-encoding") === undefined;
  const memberNames = isJson ? DECIDING_MEMBERS : undefined;
  return storeBody(body, { maxBytes, memberNames, meter: new PromptMeter() });
}

/**
 * Takes a request's body out of a message, or from beside it: a worker holds no more of it in memory than
 * the door does. Whoever asked closes it.
 */
export async function unpackRequestBody(
  claimCheck: ClaimCheck,
  body: MessageBody | undefined,
  headers: HeaderList,
): Promise<RequestBody | undefined> {
  if (!body || !("blob" in body)) return claimCheck.unpack(body);
  // What was let in has no limit any more.
  return storeRequestBody({ body: claimCheck.open(body), headers }, Number.POSITIVE_INFINITY);
}

/** Lets go of a body that is not held in memory. */
export function closeRequestBody({ body }: { readonly body: RequestBody | undefined }): void {
  if (body && !(body instanceof Uint8Array)) body.close();
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
