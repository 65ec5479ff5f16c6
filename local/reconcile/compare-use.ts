/** What answers used, by who and which model. */
export interface Used {
  readonly user: string;
  readonly model: string;
  readonly answers: number;
  readonly totalTokens: number;
}

/** One user's and model's use by the ledger and by the event log. */
export interface Difference {
  readonly user: string;
  readonly model: string;
  readonly ledger: Pick<Used, "answers" | "totalTokens">;
  readonly log: Pick<Used, "answers" | "totalTokens">;
  /** Tokens that the ledger has too many or too few, relative to the log; 0 where both are the same. */
  readonly error: number;
}

const NOTHING = { answers: 0, totalTokens: 0 };

/** Puts the two accounts side by side, in the order of their names; what either lacks is zero there. */
export function compareUse(ledger: readonly Used[], log: readonly Used[]): Difference[] {
  const [counted, told] = [byName(ledger), byName(log)];
  return [...new Set([...counted.keys(), ...told.keys()])].sort().map((key) => {
    const [user = "", model = ""] = JSON.parse(key) as string[];
    const [one, other] = [counted.get(key) ?? NOTHING, told.get(key) ?? NOTHING];
    return { user, model, ledger: one, log: other, error: errorOf(one, other) };
  });
}

type Sum = Pick<Used, "answers" | "totalTokens">;

function errorOf(ledger: Sum, log: Sum): number {
  if (ledger.totalTokens === log.totalTokens) return ledger.answers === log.answers ? 0 : 1;
  return (ledger.totalTokens - log.totalTokens) / Math.max(log.totalTokens, 1);
}

function byName(uses: readonly Used[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { user, model, answers, totalTokens } of uses) {
    const key = JSON.stringify([user, model]);
    const { answers: a, totalTokens: t } = sums.get(key) ?? NOTHING;
    sums.set(key, { answers: a + answers, totalTokens: t + totalTokens });
  }
  return sums;
}
