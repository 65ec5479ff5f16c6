import type { TraceRow } from "../../../local/replay/trace-row.ts";
import { parseBackends } from "../../../local/simulate/backend-model.ts";
import { parseClassShares } from "../../../local/simulate/class-shares.ts";
import { parseSettings } from "../../../local/simulate/read-settings.ts";
import type { BackendResult, SimulationResult } from "../../../local/simulate/result.ts";
import type { SimulationPlan } from "../../../local/simulate/simulate.ts";

/** The first arrival of every small trace. */
export const START_AT = Date.UTC(2026, 0, 5, 9);

/** A backend whose calls take exactly `tookMs`, whatever their size. */
export const constant = (tookMs: number) => ({
  firstTokenMs: tookMs,
  promptTokensPerSecond: 1e9,
  tokensPerSecond: 1e9,
  slowdown: 0,
  jitter: 0,
});

export interface PlanChange extends Partial<Omit<SimulationPlan, "settings" | "backends">> {
  readonly settings?: Record<string, unknown>;
  readonly backends?: Record<string, unknown>;
}

/** A plan with one backend, or with what a test changes. */
export function planOf({ settings, backends = {}, ...change }: PlanChange = {}): SimulationPlan {
  const hosts = { Host1: "host=https://one.test;mode=direct" };
  return {
    name: "a.json",
    settings: parseSettings({ ...hosts, ...settings }, "a.json").settings,
    backends: parseBackends(backends, "backends.json"),
    rows: [],
    seed: 1,
    classes: parseClassShares("2:1"),
    users: 1,
    streamShare: 0,
    instances: 1,
    path: "/v1/chat/completions",
    limit: 1_000_000,
    fromMs: 0,
    toMs: Number.POSITIVE_INFINITY,
    ...change,
  };
}

/** Rows at these moments, in milliseconds after the first arrival. */
export function rowsAt(offsets: readonly number[], row: Partial<TraceRow> = {}): TraceRow[] {
  return offsets.map((offsetMs) => ({
    atMs: START_AT + offsetMs,
    contextTokens: 1000,
    generatedTokens: 100,
    ...row,
  }));
}

/** `count` moments, one every `gapMs`. */
export const every = (gapMs: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => index * gapMs);

/** What a class came to. */
export function classOf({ classes }: SimulationResult, wanted: number) {
  const found = classes.find(({ priorityClass }) => priorityClass === wanted);
  if (!found) throw new Error(`There is no class ${wanted}.`);
  return found;
}

/** What a backend came to. */
export function backendOf({ backends }: SimulationResult, wanted: string): BackendResult {
  const found = backends.find(({ id }) => id === wanted);
  if (!found) throw new Error(`There is no ${wanted}.`);
  return found;
}
