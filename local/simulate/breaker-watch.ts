import type { BackendId } from "../../shared/core/domain.ts";
import type { BackendPool } from "../../shared/routing/index.ts";

/** Sees the breakers of all instances open; a breaker tells nobody by itself. Scope: one simulation. */
export class BreakerWatch {
  readonly openings = new Map<BackendId, number>();
  readonly #pools: readonly BackendPool[];
  readonly #openUntil = new Map<string, number>();
  #isSuspected = false;

  constructor(pools: readonly BackendPool[]) {
    this.#pools = pools;
  }

  /** A call went wrong: what came of it can be seen when the gateway has judged it. */
  suspect(): void {
    this.#isSuspected = true;
  }

  look(nowMs: number): void {
    if (!this.#isSuspected) return;
    this.#isSuspected = false;
    for (const [number, pool] of this.#pools.entries()) {
      for (const backend of pool.backends) {
        const { breaker } = backend.view(nowMs);
        if (breaker.state !== "open") continue;
        const key = `${number} ${backend.key}`;
        if (this.#openUntil.get(key) === breaker.until) continue;
        this.#openUntil.set(key, breaker.until);
        const { id } = backend.host;
        this.openings.set(id, (this.openings.get(id) ?? 0) + 1);
      }
    }
  }
}
