import { type Mix, type Mode, modeAt } from "./mix.ts";
import type { Arrival } from "./schedule.ts";
import { seededRandom } from "./seeded-random.ts";

/** One request as it will be sent. */
export interface PlannedRequest {
  /** Its place in the replay, from 1. */
  readonly number: number;
  readonly dueMs: number;
  readonly mode: Mode;
  readonly priorityClass: PriorityClass;
  readonly userId: string;
  readonly contextTokens: number;
  readonly generatedTokens: number;
}

export type PriorityClass = 1 | 2 | 3;

/** The key that the gateway's default settings map to each class; class 2 is the one without a key. */
export const PRIORITY_KEYS: Readonly<Record<PriorityClass, string | undefined>> = {
  1: "12345",
  2: undefined,
  3: "234",
};

const FIRST_CLASS_SHARE = 0.2;
const SECOND_CLASS_SHARE = 0.5;
const USERS = 20;
// Keeps the choices apart from a drawn trace, which starts from the same seed.
const CHOICE_SALT = 0x5e1ec7;

/**
 * Returns what gives each arrival, in order, its mode, priority and user. Every arrival takes the same
 * number of draws, so another mix leaves the priorities and users of a seed as they are.
 */
export function requestPlanner(seed: number, mix: Mix): (arrival: Arrival) => PlannedRequest {
  const random = seededRandom(seed ^ CHOICE_SALT);
  let number = 0;
  return ({ row, dueMs }) => {
    number += 1;
    return {
      number,
      dueMs,
      mode: modeAt(mix, random()),
      priorityClass: priorityAt(random()),
      userId: `replay-${String(1 + Math.floor(random() * USERS)).padStart(2, "0")}`,
      contextTokens: row.contextTokens,
      generatedTokens: row.generatedTokens,
    };
  };
}

function priorityAt(point: number): PriorityClass {
  if (point < FIRST_CLASS_SHARE) return 1;
  return point < FIRST_CLASS_SHARE + SECOND_CLASS_SHARE ? 2 : 3;
}
