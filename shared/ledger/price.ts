import type { LedgerRow } from "./ledger-row.ts";

/** What a million tokens of a model cost, from a day on. */
export interface Price {
  /** The model's name; `*` stands for any characters. */
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly from?: string | undefined;
}

/** What a row cost; undefined for a model without a price. */
export type CostOf = (row: LedgerRow) => number | undefined;

const MILLION = 1_000_000;

/**
 * Costs by a list of prices: the first that matches the model, and held in the row's hour, counts. Failed
 * attempts cost nothing: their tokens are shown apart.
 */
export function createCostOf(prices: readonly Price[]): CostOf {
  const rules = prices.map((price) => ({
    price,
    pattern: patternOf(price.model),
    fromAt: price.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(price.from),
  }));
  return (row) => {
    if (row.kind !== "answer") return 0;
    const rule = rules.find(
      ({ pattern, fromAt }) => row.hourAt >= fromAt && pattern.test(row.model),
    );
    return rule && costBy(rule.price, row);
  };
}

function costBy({ input, output, cachedInput, cacheWrite }: Price, row: LedgerRow): number {
  const read = Math.min(row.cacheReadInputTokens, row.inputTokens);
  const written = Math.min(row.cacheCreationInputTokens, row.inputTokens - read);
  const plain = row.inputTokens - read - written;
  const inputCost = plain * input + read * (cachedInput ?? input) + written * (cacheWrite ?? input);
  return (inputCost + row.outputTokens * output) / MILLION;
}

function patternOf(name: string): RegExp {
  const literal = name.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`, "i");
}
