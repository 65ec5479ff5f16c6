import { collectBytes, TooManyBytesError } from "../core/bytes.ts";
import { DEFAULT_LIMIT_BYTES, DocumentError, type DocumentSource } from "./document-source.ts";
import { decodeText, isContentVersion, loadedText, tooLarge } from "./text-content.ts";

/** The part of `fetch` that is used. */
export type FetchDocument = (
  url: string,
  init: {
    readonly headers: Record<string, string>;
    readonly signal: AbortSignal;
    readonly redirect: "follow" | "error";
  },
) => Promise<Response>;

/** The gateway's own identity towards the server of a document. */
export interface DocumentIdentity {
  readonly scope: string;
  readonly token: (scope: string, signal: AbortSignal) => Promise<string>;
}

export interface HttpSourceOptions {
  readonly url: string;
  readonly identity?: DocumentIdentity | undefined;
  readonly limitBytes?: number;
  readonly fetch?: FetchDocument;
}

// Blob storage takes tokens from this version of its API on:
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
const STORAGE_VERSION = "2021-12-02";
const STORAGE_SCOPE = "https://storage.azure.com/.default";

/** A document at an http or https URL, fetched again only when its ETag says that it changed. */
export function httpSource(options: HttpSourceOptions): DocumentSource<string> {
  const { url, identity, limitBytes = DEFAULT_LIMIT_BYTES } = options;
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== "https:" && protocol !== "http:") {
    throw new DocumentError("the document's URL is not an http(s) URL");
  }
  if (identity && protocol !== "https:") {
    throw new DocumentError("a token is sent over https only");
  }
  return {
    kind: protocol === "https:" ? "https" : "http",
    async load(knownVersion, signal) {
      const response = await request(options, knownVersion, signal);
      if (response.status === 304 && knownVersion !== undefined) return { changed: false };
      if (response.status !== 200 || !response.body) {
        await response.body?.cancel();
        throw new DocumentError(`the server answered ${response.status}`);
      }
      const bytes = await readBody(response.body, limitBytes, signal);
      const version = response.headers.get("etag");
      if (version === null) return loadedText(bytes, knownVersion);
      return { changed: true, content: decodeText(bytes), version };
    },
  };
}

async function request(
  { url, identity, fetch = globalThis.fetch }: HttpSourceOptions,
  knownVersion: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = {
    accept: "application/json",
    "cache-control": "no-cache",
  };
  if (knownVersion !== undefined && !isContentVersion(knownVersion)) {
    headers["if-none-match"] = knownVersion;
  }
  if (identity) {
    headers["authorization"] = `Bearer ${await identity.token(identity.scope, signal)}`;
    if (identity.scope === STORAGE_SCOPE) headers["x-ms-version"] = STORAGE_VERSION;
  }
  try {
    return await fetch(url, { headers, signal, redirect: identity ? "error" : "follow" });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new DocumentError(`the server cannot be reached${reasonOf(cause)}`, { cause });
  }
}

async function readBody(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    return await collectBytes(body, limitBytes);
  } catch (cause) {
    if (signal.aborted) throw cause;
    if (cause instanceof TooManyBytesError) throw tooLarge(limitBytes);
    throw new DocumentError(`the document broke off${reasonOf(cause)}`, { cause });
  }
}

/** The code of what lies beneath; the message may quote the URL, and that may hold a key. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
}
