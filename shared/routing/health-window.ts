const WINDOW_PROBES = 50;
/** With fewer probes a part of them says nothing: of two, one that got lost is half. */
const MIN_PROBES = 5;
/** So many failures in a row remove a backend, however well it did before. */
const FAILURES_IN_A_ROW = 5;

/**
 * A backend's latest probes. It is healthy while enough of them succeeded; one that never answered a
 * probe is judged by its traffic alone, for not every backend has a path to probe. Once out, only what
 * it does from then on brings it back, and only what it does from its return on removes it again. Until
 * there are enough probes to judge by, its breaker is what keeps traffic from it. Scope: one backend, per
 * instance.
 */
export class HealthWindow {
  #results: boolean[] = [];
  #hasEverSucceeded = false;
  #isHealthy = true;
  #failuresInARow = 0;

  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** Notes a probe's result. Returns whether the backend was removed or came back by it. */
  record(hasSucceeded: boolean, successRate: number): boolean {
    this.#hasEverSucceeded ||= hasSucceeded;
    if (!this.#hasEverSucceeded) return false;
    // However long nobody was there: what comes back is judged from its return on.
    if (hasSucceeded && this.#isSilent()) this.#results = [false];
    this.#failuresInARow = hasSucceeded ? 0 : this.#failuresInARow + 1;
    this.#results = [...this.#results.slice(1 - WINDOW_PROBES), hasSucceeded];
    const wasHealthy = this.#isHealthy;
    this.#isHealthy = successRate === 0 || (!this.#isSilent() && this.#doesWell(successRate));
    if (this.#isHealthy === wasHealthy) return false;
    this.#results = this.#isHealthy ? [] : [false];
    return true;
  }

  /** It is not probed any more: what probes said is void. */
  forget(): void {
    this.#results = [];
    this.#hasEverSucceeded = false;
    this.#isHealthy = true;
    this.#failuresInARow = 0;
  }

  #doesWell(successRate: number): boolean {
    if (this.#isHealthy && this.#results.length < MIN_PROBES) return true;
    return partOf(this.#results) >= successRate;
  }

  #isSilent(): boolean {
    return this.#failuresInARow >= FAILURES_IN_A_ROW;
  }
}

const partOf = (results: readonly boolean[]): number =>
  results.filter(Boolean).length / results.length;
