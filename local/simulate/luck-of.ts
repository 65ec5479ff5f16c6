import type { Random } from "../../shared/core/domain.ts";
import { seededRandom } from "../replay/seeded-random.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The luck of one thing by its name: the same with every policy, whatever else was drawn before. */
export function luckOf(seed: number, ...names: readonly (string | number)[]): Random {
  let hash = FNV_OFFSET ^ seed;
  for (const char of names.join(" ")) hash = Math.imul(hash ^ char.charCodeAt(0), FNV_PRIME);
  return seededRandom(hash);
}
