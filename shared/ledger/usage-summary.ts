import type { UsageGroup } from "../core/domain.ts";
import { addCounts, type LedgerCounts, type LedgerRow, NO_COUNTS } from "./ledger-row.ts";
import type { CostOf } from "./price.ts";

/** What was used by those who have the same names. */
export interface UsageSum {
  readonly names: readonly string[];
  readonly answers: LedgerCounts;
  /** How many answers have each provenance. */
  readonly provenance: Readonly<Record<string, number>>;
  readonly failedAttempts: LedgerCounts;
  readonly cost: number;
  /** Tokens of answers whose model has no price. */
  readonly unpricedTokens: number;
}

const NAMES: Readonly<Record<UsageGroup, (row: LedgerRow) => string>> = {
  user: ({ user }) => user,
  group: ({ group }) => group,
  model: ({ model }) => model,
  backend: ({ backend }) => backend,
  class: ({ priority }) => String(priority),
  provenance: ({ provenance }) => provenance,
  serviceTier: ({ serviceTier }) => serviceTier,
  day: ({ hourAt }) => new Date(hourAt).toISOString().slice(0, 10),
  hour: ({ hourAt }) => new Date(hourAt).toISOString(),
};

const NOTHING: Omit<UsageSum, "names"> = {
  answers: NO_COUNTS,
  provenance: {},
  failedAttempts: NO_COUNTS,
  cost: 0,
  unpricedTokens: 0,
};

/** Adds rows up by what they have in common. Scope: one question. */
export class UsageSummary {
  readonly #groups: readonly UsageGroup[];
  readonly #costOf: CostOf;
  readonly #sums = new Map<string, UsageSum>();
  #total: UsageSum = { names: [], ...NOTHING };

  constructor(groups: readonly UsageGroup[], costOf: CostOf) {
    this.#groups = groups;
    this.#costOf = costOf;
  }

  add(row: LedgerRow): void {
    const names = this.#groups.map((group) => NAMES[group](row));
    const key = JSON.stringify(names);
    this.#sums.set(key, this.#added(this.#sums.get(key) ?? { names, ...NOTHING }, row));
    this.#total = this.#added(this.#total, row);
  }

  get size(): number {
    return this.#sums.size;
  }

  get total(): UsageSum {
    return this.#total;
  }

  /** All sums, in the order of their names. */
  sums(): UsageSum[] {
    return [...this.#sums.values()].sort((a, b) => compared(a.names, b.names));
  }

  #added(sum: UsageSum, row: LedgerRow): UsageSum {
    if (row.kind === "attempt") {
      return { ...sum, failedAttempts: addCounts(sum.failedAttempts, row) };
    }
    const cost = this.#costOf(row);
    const { provenance } = sum;
    return {
      ...sum,
      answers: addCounts(sum.answers, row),
      provenance: {
        ...provenance,
        [row.provenance]: (provenance[row.provenance] ?? 0) + row.events,
      },
      cost: sum.cost + (cost ?? 0),
      unpricedTokens: sum.unpricedTokens + (cost === undefined ? row.totalTokens : 0),
    };
  }
}

/** The order of two lists of names, by the first that differs. */
export function compared(one: readonly string[], other: readonly string[]): number {
  for (const [index, name] of one.entries()) {
    const against = other[index] ?? "";
    if (name !== against) return name < against ? -1 : 1;
  }
  return 0;
}
