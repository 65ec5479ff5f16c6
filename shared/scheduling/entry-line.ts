import type { Entry } from "./entry.ts";

/**
 * One user's waiting entries, first in, first out; anyone may step out in constant time.
 * Scope: its flow's.
 */
export class EntryLine {
  #first: Entry | undefined;
  #last: Entry | undefined;

  get first(): Entry | undefined {
    return this.#first;
  }

  /** Behind all who came before it: at the end, unless it comes again. */
  add(entry: Entry): void {
    const next = this.#firstAfter(entry);
    const previous = next ? next.previous : this.#last;
    entry.previous = previous;
    entry.next = next;
    if (previous) previous.next = entry;
    else this.#first = entry;
    if (next) next.previous = entry;
    else this.#last = entry;
  }

  remove(entry: Entry): void {
    if (entry.previous) entry.previous.next = entry.next;
    else this.#first = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    else this.#last = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }

  // Who comes again came long ago: the search from the front is short.
  #firstAfter({ number }: Entry): Entry | undefined {
    if (!this.#last || this.#last.number <= number) return undefined;
    let entry = this.#first;
    while (entry && entry.number <= number) entry = entry.next;
    return entry;
  }
}
