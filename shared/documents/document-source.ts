/** What a source gave: nothing new since the known version, or its content with a new version. */
export type Loaded<Content> =
  | { readonly changed: false }
  | { readonly changed: true; readonly content: Content; readonly version: string };

/** Where a document comes from. Making one touches neither network nor disk. */
export interface DocumentSource<Content> {
  /** The kind of source, for people: never a URL, which may hold a key. */
  readonly kind: string;
  /** Loads the document, or finds that it is still the version that is known. */
  load(knownVersion: string | undefined, signal: AbortSignal): Promise<Loaded<Content>>;
}

/** Documents larger than this are refused before they are held in memory. */
export const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024;

/** A document that could not be loaded; the message holds nothing secret. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
}
