import { OTHER } from "./series-tree.ts";

/**
 * The names that have figures of their own: the first so many that were learnt. Clients choose names;
 * how many series there are is not theirs to choose. Scope: per instance.
 */
export class KnownNames {
  readonly #limit: number;
  readonly #names = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The name, or the one that all others share. `isSure` says that it is one that exists. */
  told(name: string | undefined, isSure: boolean): string | undefined {
    if (name === undefined || this.#names.has(name)) return name;
    if (!isSure || this.#names.size >= this.#limit) return OTHER;
    this.#names.add(name);
    return name;
  }
}
