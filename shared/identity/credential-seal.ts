import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { HeaderList } from "../core/headers.ts";
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
]);

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Headers that may be stored: what is secret among them is sealed, or left out without a key. */
export interface SealedHeaders {
  readonly open: HeaderList;
  /** Base64 of nonce, tag and cipher text; absent when there was nothing secret. */
  readonly sealed?: string;
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
    CREDENTIAL_HEADERS.has(name.toLowerCase());
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
