import type { Flow } from "./flow.ts";

/** How much of a band each user and group gets, in relation to the others; 1 unless named. */
export interface Weights {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
}

/** The flow's weight in force. */
export function weightOf(weights: Weights, { kind, id }: Pick<Flow, "kind" | "id">): number {
  return (kind === "user" ? weights.users : weights.groups).get(id) ?? 1;
}

/** Names the weights that are none: virtual time needs positive, finite numbers. */
export function weightProblems({ users, groups }: Weights): string[] {
  const problem = (kind: string, [id, weight]: readonly [string, number]): string[] =>
    weight > 0 && Number.isFinite(weight)
      ? []
      : [`the weight of ${kind} "${id}" must be a positive number, not ${weight}`];
  return [
    ...[...users].flatMap((pair) => problem("user", pair)),
    ...[...groups].flatMap((pair) => problem("group", pair)),
  ];
}
