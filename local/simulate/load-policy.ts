import { delay, systemClock } from "../../shared/core/clock.ts";
import type { Services } from "../../shared/gateway/index.ts";
import { StartError } from "../service.ts";

type Policy = Services["policy"];

/**
 * The policy with its documents, such as profiles, as they are now; they do not change while settings
 * are tried. Documents come from outside, so real time bounds the wait for them.
 */
export async function loadPolicy(
  policy: Policy,
  name: string,
  deadlineMs: number,
): Promise<Policy> {
  const loaded = new AbortController();
  const isLate = await Promise.race([
    policy.start().then(() => false),
    delay(systemClock, deadlineMs, loaded.signal).then(
      () => true,
      () => true,
    ),
  ]);
  loaded.abort();
  if (isLate) throw new StartError(`The documents of ${name} took too long to load.`);
  const current = currentOf(policy, name);
  return { ...policy, start: async () => {}, current: () => current };
}

function currentOf(policy: Policy, name: string): ReturnType<Policy["current"]> {
  try {
    return policy.current();
  } catch (cause) {
    const problems = policy
      .status()
      .documents.filter(({ loadedAt }) => loadedAt === undefined)
      .flatMap((document) => {
        const { lastError = "not loaded" } = document;
        const found = document.problems.length > 0 ? document.problems : [lastError];
        return found.map((problem) => `${document.name}: ${problem}`);
      });
    throw new StartError(`The documents of ${name} cannot be used:\n- ${problems.join("\n- ")}`, {
      cause,
    });
  }
}
