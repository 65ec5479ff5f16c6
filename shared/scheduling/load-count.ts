/** How much of a kind waits and runs. */
export interface Load {
  readonly waiting: number;
  readonly running: number;
}

const NONE: Load = { waiting: 0, running: 0 };

/** Counts by key what waits and runs; a key without either takes no memory. Scope: its owner's. */
export class LoadCount {
  readonly #loads = new Map<string, { waiting: number; running: number }>();

  get size(): number {
    return this.#loads.size;
  }

  of(key: string): Load {
    const load = this.#loads.get(key);
    return load ? { ...load } : NONE;
  }

  add(key: string, change: Load): void {
    const load = this.#loads.get(key) ?? { waiting: 0, running: 0 };
    load.waiting += change.waiting;
    load.running += change.running;
    if (load.waiting === 0 && load.running === 0) this.#loads.delete(key);
    else this.#loads.set(key, load);
  }
}
