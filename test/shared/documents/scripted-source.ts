import type { DocumentSource, Loaded } from "../../../shared/documents/index.ts";

/** What the next load comes to; a function sees the version that was known and the signal. */
export type Step =
  | Loaded<string>
  | Error
  | ((known: string | undefined, signal: AbortSignal) => Promise<Loaded<string>>);

/** A document with the given text, in the given version. */
export const changed = (content: string, version = content): Loaded<string> => ({
  changed: true,
  content,
  version,
});

/** A load that never ends by itself and does not listen to its signal either. */
export const hang: Step = () => new Promise(() => {});

/** A source that does what a test tells it, and counts. Scope: one test. */
export class ScriptedSource implements DocumentSource<string> {
  readonly kind = "script";
  /** What every load comes to, until it is changed. */
  next: Step = new Error("no step");
  readonly knownVersions: (string | undefined)[] = [];
  running = 0;
  mostRunning = 0;

  get loads(): number {
    return this.knownVersions.length;
  }

  async load(known: string | undefined, signal: AbortSignal): Promise<Loaded<string>> {
    this.knownVersions.push(known);
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      const step = this.next;
      if (step instanceof Error) throw step;
      return await (typeof step === "function" ? step(known, signal) : step);
    } finally {
      this.running -= 1;
    }
  }
}
