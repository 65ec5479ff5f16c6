import { setTimeout as pause } from "node:timers/promises";
import type { SeededRandom } from "../../local/replay/seeded-random.ts";
import type { StackUnderFire, Victim } from "./stack-under-fire.ts";

/** How often what was killed. */
export type Kills = Readonly<Record<Victim, number>>;

interface KillPlan {
  readonly stack: StackUnderFire;
  readonly random: SeededRandom;
  readonly kills: number;
  /** How long the stack runs between two kills on average, in milliseconds. */
  readonly spacingMs: number;
  /** Until when a stack that was killed is waited for. */
  readonly untilMs: number;
  readonly log: (line: string) => void;
}

const SHARES: readonly (readonly [Victim, number])[] = [
  ["host", 0.5],
  ["broker", 0.2],
  ["storage", 0.2],
  ["everything", 0.1],
];
// How many kills do not wait until what was killed last serves again.
const EARLY_SHARE = 0.3;
// A stack gives a part up that ends six times within a minute: such a part is broken, not unlucky.
const MOST_IN_A_MINUTE = 5;
const MINUTE_MS = 61_000;

/**
 * Kills one part or the whole stack at random moments, also while it is still coming up. Most kills wait
 * until it serves: on a machine so busy that a start takes longer than the time between two kills,
 * nothing else would ever happen.
 */
export async function killAtRandom(plan: KillPlan): Promise<Kills> {
  const { stack, random, kills, spacingMs, untilMs, log } = plan;
  const done = { host: 0, broker: 0, storage: 0, everything: 0 };
  const killedAt = new Map<Victim, number[]>();
  for (let left = kills; left > 0; ) {
    if (random() >= EARLY_SHARE) await stack.serving(untilMs);
    await pause(random() * 2 * spacingMs);
    const victim = draw(random);
    const recent = (killedAt.get(victim) ?? []).filter((at) => at > Date.now() - MINUTE_MS);
    if (victim !== "everything" && recent.length >= MOST_IN_A_MINUTE) continue;
    if (!(await stack.kill(victim))) continue;
    killedAt.set(victim, [...recent, Date.now()]);
    if (victim === "everything") killedAt.clear();
    done[victim] += 1;
    left -= 1;
    log(`killed ${victim}, ${left} to go`);
  }
  return done;
}

function draw(random: SeededRandom): Victim {
  let rest = random();
  for (const [victim, share] of SHARES) {
    rest -= share;
    if (rest < 0) return victim;
  }
  return "host";
}
