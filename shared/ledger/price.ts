import type { LedgerRow } from "./ledger-row.ts";

/** What a million tokens of a model cost, from a day on. */
export interface Price {
  /** The model's name; `*` stands for any characters. */
  readonly model: string;
  /** Every one unless given. */
  readonly serviceTier?: string | undefined;
  /** The backend's name, with `*` as in the model's; every one unless given. */
  readonly backend?: string | undefined;
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly audioInput?: number | undefined;
  readonly audioOutput?: number | undefined;
  readonly from?: string | undefined;
}

/** What a row cost; undefined for a model without a price. */
export type CostOf = (row: LedgerRow) => number | undefined;

const MILLION = 1_000_000;

/**
 * Costs by a list of prices: the first that matches the model, the tier and the backend, and held in the
 * row's hour, counts. Failed attempts cost nothing: their tokens are shown apart.
 */
export function createCostOf(prices: readonly Price[]): CostOf {
  const rules = prices.map(ruleOf);
  return (row) => {
    if (row.kind !== "answer") return 0;
    const rule = rules.find((each) => holdsFor(each, row));
    return rule && costBy(rule.price, row);
  };
}

interface Rule {
  readonly price: Price;
  readonly model: RegExp;
  readonly backend: RegExp | undefined;
  readonly fromAt: number;
}

const ruleOf = (price: Price): Rule => ({
  price,
  model: patternOf(price.model),
  backend: price.backend === undefined ? undefined : patternOf(price.backend),
  fromAt: price.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(price.from),
});

const holdsFor = ({ price, model, backend, fromAt }: Rule, row: LedgerRow): boolean =>
  row.hourAt >= fromAt &&
  (price.serviceTier ?? row.serviceTier) === row.serviceTier &&
  (backend?.test(row.backend) ?? true) &&
  model.test(row.model);

function costBy({ input, output, ...other }: Price, row: LedgerRow): number {
  const {
    cachedInput = input,
    cacheWrite = input,
    audioInput = input,
    audioOutput = output,
  } = other;
  const read = Math.min(row.cacheReadInputTokens, row.inputTokens);
  const written = Math.min(row.cacheCreationInputTokens, row.inputTokens - read);
  const fresh = row.inputTokens - read - written;
  // Which of what was cached was sound is not known here: what is left of the prompt has the sounds.
  const heard = Math.min(row.audioInputTokens, fresh);
  const spoken = Math.min(row.audioOutputTokens, row.outputTokens);
  const inputCost =
    (fresh - heard) * input + heard * audioInput + read * cachedInput + written * cacheWrite;
  const outputCost = (row.outputTokens - spoken) * output + spoken * audioOutput;
  return (inputCost + outputCost) / MILLION;
}

function patternOf(name: string): RegExp {
  const literal = name.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`, "i");
}
