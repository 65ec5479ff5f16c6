import type { TokenUsage } from "../core/domain.ts";
import type { UsageProvenance } from "../usage/index.ts";

/** What a job's answer used, as far as that is known. */
export interface JobUsage {
  readonly provenance: UsageProvenance;
  readonly tokens?: TokenUsage;
  /** The model as the answer names it. */
  readonly model?: string;
}

/** What two answers used together: no surer than the less sure of them, and of a model if both name it. */
export function addUsage(
  sum: JobUsage | undefined,
  usage: JobUsage | undefined,
): JobUsage | undefined {
  if (!sum || !usage) return sum ?? usage;
  const { model } = sum;
  const tokens = addTokens(sum.tokens, usage.tokens);
  return {
    provenance: provenanceOf(sum, usage),
    ...(tokens ? { tokens } : {}),
    ...(model !== undefined && model === usage.model ? { model } : {}),
  };
}

function provenanceOf(sum: JobUsage, usage: JobUsage): UsageProvenance {
  if (sum.provenance === usage.provenance) return sum.provenance;
  const both = [sum.provenance, usage.provenance];
  return both.includes("unknown") || both.includes("partial") ? "partial" : "estimated";
}

function addTokens(
  one: TokenUsage | undefined,
  other: TokenUsage | undefined,
): TokenUsage | undefined {
  if (!one || !other) return one ?? other;
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
