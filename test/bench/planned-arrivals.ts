import { seededRandom } from "./virtual-house.ts";

/** A request that comes at a time of its own, whoever else is there. */
export interface PlannedArrival {
  readonly atMs: number;
  readonly userId: string;
  readonly serviceMs: number;
}

export interface ArrivalsPlan {
  readonly userIds: readonly string[];
  /** What each of the users sends, on average. */
  readonly perSecond: number;
  readonly meanServiceMs: number;
  readonly durationMs: number;
  readonly seed: number;
}

/** Users who come at random, planned ahead: what is the same twice can be compared. */
export function planArrivals(plan: ArrivalsPlan): PlannedArrival[] {
  const { userIds, perSecond, meanServiceMs, durationMs, seed } = plan;
  return userIds
    .flatMap((userId, index) => {
      const random = seededRandom(1000 * seed + index);
      const arrivals: PlannedArrival[] = [];
      const gapMs = (): number => (-Math.log(1 - random()) / perSecond) * 1000;
      for (let atMs = gapMs(); atMs < durationMs; atMs += gapMs()) {
        arrivals.push({ atMs, userId, serviceMs: 2 * meanServiceMs * random() });
      }
      return arrivals;
    })
    .sort((a, b) => a.atMs - b.atMs);
}
