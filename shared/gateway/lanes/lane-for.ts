import type { Lane, Lanes } from "../../config/index.ts";
import type { PriorityClass } from "../../core/domain.ts";

/** The lane of a class; a class without one takes the next less urgent, else the least urgent lane. */
export function laneFor({ lanes }: Lanes, priority: PriorityClass): Lane {
  const lane = lanes.find((candidate) => candidate.priority >= priority) ?? lanes.at(-1);
  if (!lane) throw new Error("The lanes document has no lanes.");
  return lane;
}
