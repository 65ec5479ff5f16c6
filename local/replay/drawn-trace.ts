import { type Quantile, valueAt } from "./quantile-curve.ts";
import { seededRandom } from "./seeded-random.ts";
import type { TraceRow } from "./trace-row.ts";

// The quantiles of one hour of a conversation service in Azure (November 2023): Azure/AzurePublicDataset,
// CC BY 4.0, described in Patel et al., "Splitwise", ISCA 2024. The curves' own means are 1,290, 190 and
// 0.181, the hour's were 1,155, 211 and 0.181.
const CONTEXT_TOKENS: readonly Quantile[] = [
  [0, 2],
  [0.1, 207],
  [0.5, 1020],
  [0.9, 2734],
  [0.99, 4142],
  [1, 14_050],
];
const GENERATED_TOKENS: readonly Quantile[] = [
  [0, 7],
  [0.1, 54],
  [0.5, 129],
  [0.9, 424],
  [0.99, 601],
  [1, 1000],
];
const GAP_SECONDS: readonly Quantile[] = [
  [0, 0.001],
  [0.1, 0.015],
  [0.25, 0.046],
  [0.5, 0.12],
  [0.75, 0.238],
  [0.9, 0.39],
  [0.99, 0.89],
  [0.999, 1.43],
  [1, 4.3],
];

/** Draws an endless trace that looks like an hour of conversations: bursty, and with long tails. */
export function* drawTrace(seed: number): Generator<TraceRow, never, undefined> {
  const random = seededRandom(seed);
  let atMs = 0;
  for (;;) {
    yield {
      atMs,
      contextTokens: Math.round(valueAt(CONTEXT_TOKENS, random())),
      generatedTokens: Math.round(valueAt(GENERATED_TOKENS, random())),
    };
    atMs += valueAt(GAP_SECONDS, random()) * 1000;
  }
}
