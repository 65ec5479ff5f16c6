/** What a provider's usual tier is called here, whatever the provider calls it. */
export const DEFAULT_TIER = "default";

/** How the name of a tier looks: a short word, in lower case. */
export const TIER_NAME = /^[a-z][a-z0-9_-]{0,31}$/;

// OpenAI's (which repeats `auto` until it has chosen), Anthropic's and Gemini's, Groq's and Vertex's.
const USUAL: ReadonlySet<string> = new Set([
  ...[DEFAULT_TIER, "auto", "standard", "on_demand", "traffic_type_unspecified", "unspecified"],
]);
const ON_DEMAND = "on_demand_";

/** The name by which use is told apart, for a provider's own: {@link DEFAULT_TIER} for that of its usual tier. */
export function tierNamed(told: string): string {
  if (USUAL.has(told)) return DEFAULT_TIER;
  const bare = told.startsWith(ON_DEMAND) ? told.slice(ON_DEMAND.length) : told;
  // A message with a name that is none would be put aside, and all that it tells with it.
  return TIER_NAME.test(bare) ? bare : told;
}
