/**
 * A first-in, first-out line from which anyone may step out in constant time. Scope: its owner's.
 */
export class WaitingLine<Item extends object> {
  // A Set iterates in insertion order and deletes in constant time, which is all a line needs.
  readonly #items = new Set<Item>();

  get size(): number {
    return this.#items.size;
  }

  add(item: Item): void {
    this.#items.add(item);
  }

  /** Returns whether the item was still in the line. */
  remove(item: Item): boolean {
    return this.#items.delete(item);
  }

  /** Takes the one who has waited longest. */
  shift(): Item | undefined {
    for (const item of this.#items) {
      this.#items.delete(item);
      return item;
    }
    return undefined;
  }
}
