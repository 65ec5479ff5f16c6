import { createHash } from "node:crypto";
import { DocumentError, type Loaded } from "./document-source.ts";

const HASH_PREFIX = "sha256:";

/** The version of content that its source gives none. */
export function contentVersion(content: Uint8Array | string): string {
  return `${HASH_PREFIX}${createHash("sha256").update(content).digest("base64url")}`;
}

/** Whether a version is our own, so that no server knows it. */
export function isContentVersion(version: string): boolean {
  return version.startsWith(HASH_PREFIX);
}

/** Bytes as a loaded text; unchanged bytes are found by their hash, before they are parsed again. */
export function loadedText(bytes: Uint8Array, knownVersion: string | undefined): Loaded<string> {
  const version = contentVersion(bytes);
  if (version === knownVersion) return { changed: false };
  return { changed: true, content: decodeText(bytes), version };
}

/** UTF-8 without its byte order mark; anything else is no document. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DocumentError("the document is not UTF-8", { cause });
  }
}

/** The refusal of a document that is too large. */
export function tooLarge(limitBytes: number): DocumentError {
  return new DocumentError(`the document is larger than ${limitBytes} bytes`);
}
