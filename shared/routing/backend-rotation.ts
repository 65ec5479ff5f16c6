import type { BackendId, Random } from "../core/domain.ts";

/** How the first backend of a request is chosen; the others follow as fallbacks. */
export type RotationMode = "latency" | "roundrobin" | "random";

// Each answer moves the average by this part, so about the last ten answers decide.
const LATENCY_WEIGHT = 0.2;

/**
 * Puts the backends that may serve a request into the order in which they are tried. Remembers turns
 * and the measured time to first byte. Scope: per instance.
 */
export class BackendRotation {
  readonly #mode: RotationMode;
  readonly #random: Random;
  readonly #turns = new Map<string, number>();
  readonly #latencyMs = new Map<BackendId, number>();

  constructor(mode: RotationMode, random: Random) {
    this.#mode = mode;
    this.#random = random;
  }

  /** The same candidates, the preferred one first. */
  order<Candidate extends { host: { id: BackendId } }>(
    candidates: readonly Candidate[],
  ): Candidate[] {
    if (candidates.length < 2) return [...candidates];
    if (this.#mode === "latency") return this.#byLatency(candidates);
    const first =
      this.#mode === "random"
        ? Math.floor(this.#random() * candidates.length)
        : this.#nextTurn(candidates);
    return [...candidates.slice(first), ...candidates.slice(0, first)];
  }

  /** Notes how long a backend took to begin its answer. */
  record(id: BackendId, firstByteMs: number): void {
    const known = this.#latencyMs.get(id) ?? firstByteMs;
    this.#latencyMs.set(id, known + LATENCY_WEIGHT * (firstByteMs - known));
  }

  #byLatency<Candidate extends { host: { id: BackendId } }>(
    candidates: readonly Candidate[],
  ): Candidate[] {
    // One that was never measured counts as fastest, so that it gets measured.
    const latency = ({ host }: Candidate): number => this.#latencyMs.get(host.id) ?? 0;
    return [...candidates].sort((a, b) => latency(a) - latency(b));
  }

  // Turns are counted per set of candidates: a pool of two is not disturbed by a pool of three.
  #nextTurn(candidates: readonly { host: { id: BackendId } }[]): number {
    const pool = candidates.map(({ host }) => host.id).join(" ");
    const turn = this.#turns.get(pool) ?? 0;
    this.#turns.set(pool, (turn + 1) % candidates.length);
    return turn % candidates.length;
  }
}
