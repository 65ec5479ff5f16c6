import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { type HeaderList, headerValue, withoutHeaders } from "../core/headers.ts";
import { withoutCredentials } from "./credential-target.ts";
import { OPERATOR_KEY_HEADER } from "./operator.ts";

const CREDENTIAL_HEADERS = new Set([
  "authorization",
  "proxy-authorization",
  "api-key",
  "x-api-key",
  "x-goog-api-key",
  "x-functions-key",
  OPERATOR_KEY_HEADER,
  "ocp-apim-subscription-key",
  "cookie",
  "x-access-token",
  "x-amz-security-token",
  "x-auth-token",
  "x-ms-token-aad-access-token",
  "x-ms-token-aad-id-token",
  "x-ms-token-aad-refresh-token",
]);

// Stands for the request's target among what is sealed; no header's name may hold a colon.
const TARGET = ":target";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Headers that may be stored: what is secret among them is sealed, or left out without a key. */
export interface SealedHeaders {
  readonly open: HeaderList;
  /** Base64 of nonce, tag and cipher text; absent when there was nothing secret. */
  readonly sealed?: string;
}

/** A request as it may be stored. */
export interface SealedRequest {
  readonly target: string;
  readonly headers: HeaderList;
  /** Base64 of nonce, tag and cipher text; absent when there was nothing secret. */
  readonly sealed?: string;
}

/** Seals what is secret of a request, in its headers and in its query ({@link sealCredentials}). */
export function sealRequest(
  { target, headers }: Pick<SealedRequest, "target" | "headers">,
  key: Uint8Array | undefined,
  context: string,
): SealedRequest {
  const openTarget = withoutCredentials(target);
  const secret = openTarget === target ? [] : [[TARGET, target] as const];
  const { open, ...sealed } = sealCredentials([...headers, ...secret], key, context);
  return { target: openTarget, headers: open, ...sealed };
}

/** Gives back what {@link sealRequest} was given, or what of it was stored. */
export function openRequest(
  { target, headers, ...sealed }: SealedRequest,
  key: Uint8Array | undefined,
  context: string,
): Pick<SealedRequest, "target" | "headers"> {
  const opened = openCredentials({ open: headers, ...sealed }, key, context);
  return {
    target: headerValue(opened, TARGET) ?? target,
    headers: withoutHeaders(opened, (name) => name === TARGET),
  };
}

/**
 * Splits off the credentials, so that neither a message nor a row ever holds one in clear. `context`
 * (the request's id) is authenticated with them: a sealed text moved to another request does not open.
 */
export function sealCredentials(
  headers: HeaderList,
  key: Uint8Array | undefined,
  context: string,
): SealedHeaders {
  const isSecret = ([name]: readonly [string, string]): boolean =>
    CREDENTIAL_HEADERS.has(name.toLowerCase()) || name === TARGET;
  const secrets = headers.filter(isSecret);
  const open = headers.filter((header) => !isSecret(header));
  if (secrets.length === 0 || !key) return { open };
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(context));
  const text = Buffer.concat([cipher.update(JSON.stringify(secrets)), cipher.final()]);
  return { open, sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64") };
}

/** Gives back all headers; throws when the sealed part was altered or the key is another. */
export function openCredentials(
  headers: SealedHeaders,
  key: Uint8Array | undefined,
  context: string,
): HeaderList {
  if (headers.sealed === undefined || !key) return headers.open;
  const bytes = Buffer.from(headers.sealed, "base64");
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(tag);
  const text = Buffer.concat([
    decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
    decipher.final(),
  ]);
  return [...headers.open, ...(JSON.parse(text.toString()) as [string, string][])];
}
