import type { Fault, FaultRule } from "./fault-script.ts";

/** Scripts remembered; the oldest is forgotten, and would start over. */
const MAX_SCRIPTS = 10_000;

/**
 * Counts the calls of each script, so that `fail:2` fails twice wherever the calls go. Retries of
 * a gateway carry the same script and may reach another endpoint.
 * Scope: one set of endpoints.
 */
export class FaultCounter {
  readonly #calls = new Map<string, number[]>();

  /** The fault for this call, or undefined when every rule is spent or meant for others. */
  next(key: string, rules: readonly FaultRule[], endpointNumber: number): Fault | undefined {
    const spent = this.#calls.get(key) ?? rules.map(() => 0);
    const index = rules.findIndex(
      (rule, at) =>
        (rule.on === undefined || rule.on === endpointNumber) &&
        (rule.fail === undefined || (spent[at] ?? 0) < rule.fail),
    );
    const rule = rules[index];
    if (!rule) return undefined;
    spent[index] = (spent[index] ?? 0) + 1;
    this.#remember(key, spent);
    return rule;
  }

  reset(): void {
    this.#calls.clear();
  }

  #remember(key: string, spent: number[]): void {
    this.#calls.delete(key);
    this.#calls.set(key, spent);
    if (this.#calls.size <= MAX_SCRIPTS) return;
    for (const oldest of this.#calls.keys()) {
      this.#calls.delete(oldest);
      return;
    }
  }
}
