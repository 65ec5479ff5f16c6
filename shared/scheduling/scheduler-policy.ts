import type { Reservations } from "../config/index.ts";
import type { PriorityClass } from "../core/domain.ts";
import { fitReservations } from "./fit-reservations.ts";
import { defaultTrickle } from "./trickle.ts";
import { type Weights, weightProblems } from "./weights.ts";

/** What may change while requests wait and run. */
export interface SchedulerPolicy {
  /** How many may wait; only entries that are limited are refused. */
  readonly maxQueueLength: number;
  /** Slots set aside for a class and those more urgent. */
  readonly reservations: Reservations;
  readonly weights: Weights;
  /** The largest part of the slots that users over their share leave free for those within theirs. */
  readonly headroom: number;
  /** Of how many grants a class with waiting work gets at least one; 2 or more. */
  readonly trickle: ReadonlyMap<PriorityClass, number>;
  /** Classes whose holders may be asked to give way before they have delivered anything. */
  readonly preemptible: ReadonlySet<PriorityClass>;
}

/** No reservations, equal weights, nothing preemptible. */
export const DEFAULT_POLICY: SchedulerPolicy = {
  maxQueueLength: 1000,
  reservations: new Map(),
  weights: { users: new Map(), groups: new Map() },
  headroom: 0,
  trickle: new Map(),
  preemptible: new Set(),
};

/** The policy, if it can be kept; throws a RangeError that names every problem. */
export function checkPolicy(policy: SchedulerPolicy): SchedulerPolicy {
  const problems = weightProblems(policy.weights);
  for (const [priority, count] of policy.reservations) {
    if (!isCount(count, 0)) problems.push(`class ${priority} cannot reserve ${count} slots`);
  }
  for (const [priority, every] of policy.trickle) {
    if (!isCount(every, 2)) problems.push(`class ${priority} cannot get one of ${every} grants`);
  }
  const classes = [...policy.reservations.keys(), ...policy.trickle.keys(), ...policy.preemptible];
  for (const priority of classes) {
    if (!isCount(priority, 1)) problems.push(`${priority} is not a priority class`);
  }
  if (!(policy.headroom >= 0 && policy.headroom < 1)) {
    problems.push(`the headroom must be a part of the slots, not ${policy.headroom}`);
  }
  if (!(policy.maxQueueLength >= 0)) problems.push("the queue's limit must not be negative");
  if (problems.length > 0) throw new RangeError(problems.join("; "));
  return policy;
}

/** The N of the class's one of N grants. */
export function trickleOf({ trickle }: SchedulerPolicy, priority: PriorityClass): number {
  return trickle.get(priority) ?? defaultTrickle(priority);
}

/** The class's reserved slots in a pool of this size. */
export function reservedOf(
  { reservations }: SchedulerPolicy,
  capacity: number,
): (priority: PriorityClass) => number {
  const kept = fitReservations(reservations, capacity);
  return (priority) => kept.get(priority) ?? 0;
}

/** Whether the value counts something. */
export function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}
