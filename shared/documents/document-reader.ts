import type { DocumentSource } from "./document-source.ts";

/** A document that was read as a whole: its value, or everything that is wrong with it. */
export type ParsedContent<Value> =
  | { readonly ok: true; readonly value: Value; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What reading a document came to. */
export type ReadDocument<Value> =
  | { readonly changed: false }
  | { readonly changed: true; readonly version: string; readonly parsed: ParsedContent<Value> };

/** A source together with what makes a value of its content. */
export interface DocumentReader<Value> {
  readonly kind: string;
  read(knownVersion: string | undefined, signal: AbortSignal): Promise<ReadDocument<Value>>;
}

/** Reads a source's documents with a parser. */
export function documentReader<Content, Value>(
  source: DocumentSource<Content>,
  parse: (content: Content) => ParsedContent<Value>,
): DocumentReader<Value> {
  return {
    kind: source.kind,
    async read(knownVersion, signal) {
      const loaded = await source.load(knownVersion, signal);
      if (!loaded.changed) return loaded;
      // A load that nobody waits for any more need not be parsed.
      signal.throwIfAborted();
      return { changed: true, version: loaded.version, parsed: parse(loaded.content) };
    },
  };
}
