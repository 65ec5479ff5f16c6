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
