import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The repository's root. */
export const ROOT = join(import.meta.dirname, "..", "..", "..");

/** One place of one file that is changed for the worse: what is found stands there exactly once. */
export type Edit = readonly [file: string, find: string, replacement: string];

/** A build without one of its defences, and the tests that must not let it pass. */
export interface Weakening {
  /** What the build does that it must not, in a few words. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Tests that fail, each as `file below test/ > title as its source has it`. */
  readonly breaks: readonly string[];
}

/** A test by its file below `test/` and its title. */
export interface NamedTest {
  readonly file: string;
  readonly title: string;
}

const SEPARATOR = " > ";

/** Reads what a weakening breaks. */
export function namedTest(text: string): NamedTest {
  const at = text.indexOf(SEPARATOR);
  if (at < 0) throw new Error(`"${text}" names no test.`);
  return { file: text.slice(0, at), title: text.slice(at + SEPARATOR.length) };
}

/** Matches the full names of a test whose title may have places for values. */
export function titlePattern(title: string): RegExp {
  const parts = title.split(/%[sdjo#]/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`(?:^| )${parts.join(".*")}$`, "s");
}

/** The text of a file as a weakening has it; throws where an edit's place is not there exactly once. */
export function weakened(edits: readonly Edit[], file: string, text: string): string {
  return edits
    .filter(([path]) => path === file)
    .reduce((left, [, find, replacement]) => {
      const count = left.split(find).length - 1;
      if (count !== 1) throw new Error(`${file} has ${count} times, not once: ${find}`);
      return left.replace(find, () => replacement);
    }, text);
}

/** A file of the repository. */
export const sourceOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");
