import type { Findings } from "./findings.ts";
import type { ProfileLimits } from "./profile.ts";

/** The fields with which a profile steers the gateway instead of the backend. */
export interface ProfilePolicy {
  readonly group: string | undefined;
  readonly weight: number;
  readonly limits: ProfileLimits;
}

const DEFAULT_WEIGHT = 1;
const MAX_GROUP_LENGTH = 128;

const LIMIT_BY_FIELD = new Map<string, keyof ProfileLimits>([
  ["limit-requests-per-minute", "requestsPerMinute"],
  ["limit-tokens-per-minute", "tokensPerMinute"],
  ["limit-tokens-per-day", "tokensPerDay"],
  ["limit-concurrent", "concurrentRequests"],
  ["limit-queued", "queuedRequests"],
]);

/** Whether a field (its name in lower case) is one of {@link ProfilePolicy}'s. */
export function isPolicyField(name: string): boolean {
  return name === "group" || name === "weight" || LIMIT_BY_FIELD.has(name);
}

/** Reads the policy fields of one profile; `place` names the entry in what is found wrong. */
export function readProfilePolicy(
  fields: readonly (readonly [name: string, value: unknown])[],
  place: string,
  findings: Findings,
): ProfilePolicy {
  const limits: { -readonly [Name in keyof ProfileLimits]: number } = {};
  let weight = DEFAULT_WEIGHT;
  let group: string | undefined;
  for (const [name, value] of fields) {
    if (name === "group") {
      group = readGroup(value, place, findings);
      continue;
    }
    const count = readCount(value);
    const limit = LIMIT_BY_FIELD.get(name);
    if (count === undefined) {
      findings.problem(`${place}: field "${name}" is not a positive whole number`);
    } else if (limit) {
      limits[limit] = count;
    } else {
      weight = count;
    }
  }
  return { group, weight, limits: Object.freeze(limits) };
}

function readCount(value: unknown): number | undefined {
  const isText = typeof value === "string" && /^\s*\d+\s*$/.test(value);
  const count = isText || typeof value === "number" ? Number(value) : Number.NaN;
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
}

function readGroup(value: unknown, place: string, findings: Findings): string | undefined {
  const group = typeof value === "string" ? value.trim() : "";
  if (group === "" || group.length > MAX_GROUP_LENGTH) {
    findings.problem(
      `${place}: field "group" is not a text of 1 to ${MAX_GROUP_LENGTH} characters`,
    );
    return undefined;
  }
  return group;
}
