/** A document that was read as a whole: its value, or everything that is wrong with it. */
export type ParsedDocument<Value> =
  | { readonly ok: true; readonly value: Value; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

// A wholly wrong document of ten thousand entries must not become a log line of megabytes.
const MAX_FINDINGS = 100;

/**
 * Collects what is wrong or odd while a document is read. Findings name entries and fields, never
 * values: a profile may hold a credential. Scope: one document.
 */
export class Findings {
  readonly #problems: string[] = [];
  readonly #warnings: string[] = [];
  #problemCount = 0;
  #warningCount = 0;

  /** Something for which the whole document is refused. */
  problem(text: string): void {
    this.#problemCount += 1;
    if (this.#problems.length < MAX_FINDINGS) this.#problems.push(text);
  }

  /** Something that works, but probably not as it was meant. */
  warn(text: string): void {
    this.#warningCount += 1;
    if (this.#warnings.length < MAX_FINDINGS) this.#warnings.push(text);
  }

  /** The document's outcome: `makeValue` runs only when nothing was wrong. */
  outcome<Value>(makeValue: () => Value): ParsedDocument<Value> {
    if (this.#problemCount > 0) {
      return { ok: false, problems: withRest(this.#problems, this.#problemCount) };
    }
    const warnings = withRest(this.#warnings, this.#warningCount);
    return { ok: true, value: makeValue(), warnings };
  }
}

function withRest(texts: readonly string[], count: number): readonly string[] {
  const rest = count - texts.length;
  return Object.freeze(rest > 0 ? [...texts, `and ${rest} more`] : [...texts]);
}
