import { isFields } from "../../shared/core/fields.ts";
/** How one endpoint behaves: its speed, the length of its answers and what it can take at once. */
export interface ModelSettings {
  /** Median time to the first token; drawn log-normally. */
  readonly ttftMs: number;
  /** Spread of the time to first token: 0 makes it constant. */
  readonly ttftSigma: number;
  /** Median speed after the first token; 0 means without any delay. */
  readonly tokensPerSecond: number;
  /** Spread of the speed from call to call. */
  readonly tokensPerSecondSigma: number;
  /** Median length of an answer that the caller does not limit. */
  readonly outputTokens: number;
  /** Spread of the answer's length. */
  readonly outputTokensSigma: number;
  /** Requests in flight; 0 means without limit. */
  readonly maxInFlight: number;
  /** Requests a minute, refilled evenly; 0 means without limit. */
  readonly requestsPerMinute: number;
  /** Prompt and completion tokens a minute, refilled evenly; 0 means without limit. */
  readonly tokensPerMinute: number;
}

export type ModelSettingsPatch = Partial<ModelSettings>;

/** A small, quick model with room for a few dozen callers. */
export const DEFAULT_SETTINGS: ModelSettings = {
  ttftMs: 200,
  ttftSigma: 0.4,
  tokensPerSecond: 80,
  tokensPerSecondSigma: 0.2,
  outputTokens: 120,
  outputTokensSigma: 0.6,
  maxInFlight: 64,
  requestsPerMinute: 0,
  tokensPerMinute: 0,
};

/** Longest answer; it bounds what one call can make the endpoint build. */
export const MAX_OUTPUT_TOKENS = 1_000_000;
const MAX_SETTING = 1_000_000_000;

export type ParsedPatch = { ok: true; patch: ModelSettingsPatch } | { ok: false; problem: string };

/** Reads a settings patch from JSON; anything unknown or out of range is named. */
export function parseSettingsPatch(value: unknown): ParsedPatch {
  if (!isFields(value)) {
    return { ok: false, problem: "Settings are a JSON object." };
  }
  for (const [name, setting] of Object.entries(value)) {
    const problem = problemWith(name, setting);
    if (problem) return { ok: false, problem };
  }
  return { ok: true, patch: value };
}

function problemWith(name: string, setting: unknown): string | undefined {
  if (!Object.hasOwn(DEFAULT_SETTINGS, name)) {
    return `There is no setting "${name}"; the settings are ${Object.keys(DEFAULT_SETTINGS).join(", ")}.`;
  }
  if (typeof setting !== "number" || !(setting >= 0 && setting <= MAX_SETTING)) {
    return `"${name}" must be a number from 0 to ${MAX_SETTING}.`;
  }
  if (name === "outputTokens" && setting > MAX_OUTPUT_TOKENS) {
    return `"outputTokens" must be at most ${MAX_OUTPUT_TOKENS}.`;
  }
  return undefined;
}
