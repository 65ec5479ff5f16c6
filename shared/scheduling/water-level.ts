/** What somebody asks for, and how much they may have in relation to the others. */
export interface Claim {
  readonly weight: number;
  readonly demand: number;
}

/**
 * The max-min fair level: whoever asks for no more than `level * weight` gets all of it, everybody else
 * gets that much, and together they fill the capacity. Infinite when everything fits. O(n log n).
 */
export function waterLevel(claims: readonly Claim[], capacity: number): number {
  const byLevel = claims
    .map(({ weight, demand }) => ({ weight, demand, level: demand / weight }))
    .sort((a, b) => a.level - b.level);
  let left = capacity;
  let weightLeft = byLevel.reduce((sum, { weight }) => sum + weight, 0);
  for (const { weight, demand, level } of byLevel) {
    if (level * weightLeft > left) return Math.max(0, left) / weightLeft;
    left -= demand;
    weightLeft -= weight;
  }
  return Number.POSITIVE_INFINITY;
}

// Equals differ by chance: that makes none of them one who asks for too much.
const MARGIN = 1.5;

/** All claims together. */
export function sumOf(claims: readonly Claim[]): Claim {
  return claims.reduce(
    (sum, { weight, demand }) => ({ weight: sum.weight + weight, demand: sum.demand + demand }),
    { weight: 0, demand: 0 },
  );
}

/**
 * Whether a claim is over its fair share: for more than the max-min fair share, and for more than all
 * claim on average, by a margin. So nobody is over while everything fits, a lone claim never, and never are all.
 */
export function isBeyondShare(
  { weight, demand }: Claim,
  { level, total }: { level: number; total: Claim },
): boolean {
  return demand > level * weight && demand * total.weight > MARGIN * weight * total.demand;
}
