interface Box<Value> {
  value: Value | undefined;
}

/**
 * A map of what comes and goes with each request, of which nothing is left once it has gone. V8 keeps the tables
 * that a `Map` or `Set` has outgrown linked to those that followed. Once one of them is old, collections of the
 * young generation take all that was ever in the later ones for alive, with whatever that leads to, and copy it into
 * the old generation. Here tables lead to boxes, which are emptied. In the order of insertion. Scope: its owner's.
 */
export class TransientMap<Key, Value> {
  readonly #boxes = new Map<Key, Box<Value>>();

  get size(): number {
    return this.#boxes.size;
  }

  get(key: Key): Value | undefined {
    return this.#boxes.get(key)?.value;
  }

  set(key: Key, value: Value): void {
    const box = this.#boxes.get(key);
    if (box) box.value = value;
    else this.#boxes.set(key, { value });
  }

  /** Whether there was one to delete. */
  delete(key: Key): boolean {
    const box = this.#boxes.get(key);
    if (box) box.value = undefined;
    return this.#boxes.delete(key);
  }

  *values(): Generator<Value, undefined> {
    for (const { value } of this.#boxes.values()) if (value !== undefined) yield value;
  }
}
