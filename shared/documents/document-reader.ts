import { setImmediate as nextTurn } from "node:timers/promises";
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

/** Makes a value of content: at once, or in steps between which requests are served. */
export type ParseDocument<Content, Value> = (
  content: Content,
) => ParsedContent<Value> | Generator<void, ParsedContent<Value>>;

/** Reads a source's documents with a parser. */
export function documentReader<Content, Value>(
  source: DocumentSource<Content>,
  parse: ParseDocument<Content, Value>,
): DocumentReader<Value> {
  return {
    kind: source.kind,
    async read(knownVersion, signal) {
      const loaded = await source.load(knownVersion, signal);
      if (!loaded.changed) return loaded;
      // A load that nobody waits for any more need not be parsed.
      signal.throwIfAborted();
      const parsing = parse(loaded.content);
      const parsed = "next" in parsing ? await inSteps(parsing, signal) : parsing;
      return { changed: true, version: loaded.version, parsed };
    },
  };
}

async function inSteps<Value>(
  steps: Generator<void, ParsedContent<Value>>,
  signal: AbortSignal,
): Promise<ParsedContent<Value>> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    // Not a wait but a way to let others run first, so no clock has a part in it.
    await nextTurn();
    signal.throwIfAborted();
  }
}
