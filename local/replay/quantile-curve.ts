/** A quantile: the share of values that are not above `value`. */
export type Quantile = readonly [share: number, value: number];

/**
 * The value at `share` of a distribution known by a few quantiles, from share 0 to share 1. Between
 * two of them its logarithm grows evenly, as sizes and gaps spread over orders of magnitude.
 */
export function valueAt(curve: readonly Quantile[], share: number): number {
  const above = curve.findIndex(([knot]) => share <= knot);
  const [upperShare, upper] = curve.at(above) ?? [1, 0];
  const [lowerShare, lower] = curve[above - 1] ?? [upperShare, upper];
  if (upperShare === lowerShare) return upper;
  const way = (share - lowerShare) / (upperShare - lowerShare);
  return lower * (upper / lower) ** way;
}
