const COMPACT_ABOVE = 64;

/**
 * A binary heap whose items may go stale where they lie. Stale items are dropped when they come to
 * the top, and all at once when they outnumber the live ones, so the heap stays proportional to what
 * lives. Scope: one broker process.
 */
export class LazyHeap<Item> {
  readonly #keyOf: (item: Item) => number;
  readonly #isLive: (item: Item) => boolean;
  #items: Item[] = [];
  #liveAfterCompaction = 0;

  constructor(options: { keyOf: (item: Item) => number; isLive: (item: Item) => boolean }) {
    this.#keyOf = options.keyOf;
    this.#isLive = options.isLive;
  }

  get isEmpty(): boolean {
    return this.peek() === undefined;
  }

  push(item: Item): void {
    if (this.#items.length > 2 * this.#liveAfterCompaction + COMPACT_ABOVE) this.#compact();
    this.#items.push(item);
    this.#up(this.#items.length - 1);
  }

  /** The live item with the smallest key. */
  peek(): Item | undefined {
    for (let top = this.#items[0]; top !== undefined; top = this.#items[0]) {
      if (this.#isLive(top)) return top;
      this.#removeTop();
    }
    return undefined;
  }

  pop(): Item | undefined {
    const top = this.peek();
    if (top !== undefined) this.#removeTop();
    return top;
  }

  #removeTop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.#down(0);
  }

  // A sorted array is a heap. An item may have been pushed more than once; one is enough.
  #compact(): void {
    this.#items = [...new Set(this.#items.filter(this.#isLive))];
    this.#items.sort((a, b) => this.#keyOf(a) - this.#keyOf(b));
    this.#liveAfterCompaction = this.#items.length;
  }

  #up(from: number): void {
    const items = this.#items;
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (this.#key(parent) <= this.#key(at)) return;
      [items[at], items[parent]] = [items[parent] as Item, items[at] as Item];
      at = parent;
    }
  }

  #down(from: number): void {
    const items = this.#items;
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      const child = this.#key(left + 1) < this.#key(left) ? left + 1 : left;
      if (this.#key(at) <= this.#key(child)) return;
      [items[at], items[child]] = [items[child] as Item, items[at] as Item];
      at = child;
    }
  }

  #key(index: number): number {
    const item = this.#items[index];
    return item === undefined ? Number.POSITIVE_INFINITY : this.#keyOf(item);
  }
}
