import type { Findings } from "./findings.ts";
import type { ProfileLimits } from "./profile.ts";

/** The fields with which a profile steers the gateway instead of the backend. */
export interface ProfilePolicy {
  readonly group: string | undefined;
  readonly weight: number;
  readonly limits: ProfileLimits;
  readonly mayDebug: boolean;
}

const DEBUG_FIELD = "allow-debug";
const DEFAULT_WEIGHT = 1;
const MAX_GROUP_LENGTH = 128;

const LIMIT_BY_FIELD = new Map<string, keyof ProfileLimits>([
  ["limit-requests-per-minute", "requestsPerMinute"],
  ["limit-tokens-per-minute", "tokensPerMinute"],
  ["limit-tokens-per-day", "tokensPerDay"],
  ["limit-concurrent", "concurrentRequests"],
  ["limit-queued", "queuedRequests"],
]);

const POLICY_FIELDS = new Set(["group", "weight", DEBUG_FIELD, ...LIMIT_BY_FIELD.keys()]);

/** Whether a field (its name in lower case) is one of {@link ProfilePolicy}'s. */
export function isPolicyField(name: string): boolean {
  return POLICY_FIELDS.has(name);
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
  let mayDebug = false;
  for (const [name, value] of fields) {
    if (name === "group") {
      group = readGroup(value, place, findings);
      continue;
    }
    if (name === DEBUG_FIELD) {
      mayDebug = readFlag(value, place, findings);
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
  return { group, weight, limits: Object.freeze(limits), mayDebug };
}

function readCount(value: unknown): number | undefined {
  const isText = typeof value === "string" && /^\s*\d+\s*$/.test(value);
  const count = isText || typeof value === "number" ? Number(value) : Number.NaN;
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
}

function readFlag(value: unknown, place: string, findings: Findings): boolean {
  const text = String(value).trim().toLowerCase();
  if (text !== "true" && text !== "false") {
    findings.problem(`${place}: field "${DEBUG_FIELD}" is neither true nor false`);
  }
  return text === "true";
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
