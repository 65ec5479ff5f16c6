/**
 * How much was used within the last minute, in slots of one second: an amount counts until the slot
 * it was added to is a whole window old. Constant memory, no timers. Scope: its owner's.
 */
export class SlidingWindow {
  readonly #slotMs: number;
  readonly #amounts: Float64Array;
  #newestSlot = 0;
  #total = 0;

  constructor({ windowMs, slots }: { windowMs: number; slots: number }) {
    this.#slotMs = windowMs / slots;
    this.#amounts = new Float64Array(slots);
  }

  /** What counts at `nowMs`. */
  total(nowMs: number): number {
    this.#forget(nowMs);
    return this.#total;
  }

  /** Adds to the slot of `atMs`, or takes away; what has left the window already stays out. */
  add(atMs: number, amount: number, nowMs: number): void {
    this.#forget(nowMs);
    const slot = Math.floor(atMs / this.#slotMs);
    if (slot <= this.#newestSlot - this.#amounts.length || slot > this.#newestSlot) return;
    this.#amounts[slot % this.#amounts.length] = this.#at(slot) + amount;
    this.#total += amount;
  }

  /** Milliseconds until at least `amount` has left the window; a whole window if it never holds so much. */
  waitFor(amount: number, nowMs: number): number {
    this.#forget(nowMs);
    const slots = this.#amounts.length;
    let leaving = 0;
    for (let age = slots - 1; age >= 0; age--) {
      const slot = this.#newestSlot - age;
      leaving += slot < 0 ? 0 : this.#at(slot);
      if (leaving >= amount) return Math.max(0, (slot + slots) * this.#slotMs - nowMs);
    }
    return slots * this.#slotMs;
  }

  #at(slot: number): number {
    return this.#amounts[slot % this.#amounts.length] ?? 0;
  }

  #forget(nowMs: number): void {
    const current = Math.floor(nowMs / this.#slotMs);
    // A clock that was ahead and is set right: what came now would be too old to count until then.
    if (current <= this.#newestSlot - this.#amounts.length) this.#restart(current);
    const stale = Math.min(current - this.#newestSlot, this.#amounts.length);
    for (let step = 1; step <= stale; step++) {
      const index = (current - stale + step) % this.#amounts.length;
      this.#total -= this.#amounts[index] ?? 0;
      this.#amounts[index] = 0;
    }
    // A sum of many additions and subtractions drifts; an empty window is exactly empty again.
    if (stale === this.#amounts.length) this.#total = 0;
    this.#newestSlot = Math.max(this.#newestSlot, current);
  }

  #restart(slot: number): void {
    this.#amounts.fill(0);
    this.#total = 0;
    this.#newestSlot = slot;
  }
}
