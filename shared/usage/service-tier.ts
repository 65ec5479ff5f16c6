import { type Fields, isFields } from "../core/fields.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import { DEFAULT_TIER, TIER_NAME } from "../core/service-tier.ts";

/**
 * Which of its provider's tiers served an answer, as one of its JSON values says it: at its own place, or
 * with the usage. A batch is a tier of its own, whatever its requests asked for.
 */
export function serviceTierIn(
  places: readonly Fields[],
  usage: Fields | undefined,
): string | undefined {
  for (const place of places) {
    if (place["object"] === BATCH) return BATCH;
    const told = place["service_tier"] ?? place["serviceTier"];
    // Bedrock's is an object.
    const tier = wordIn(isFields(told) ? told["type"] : told);
    if (tier !== undefined) return tier;
  }
  return usage && tierOfUsage(usage);
}

const BATCH = "batch";

function tierOfUsage(usage: Fields): string | undefined {
  const tier = wordIn(usage["service_tier"] ?? usage["serviceTier"] ?? usage["trafficType"]);
  // Anthropic's faster way is paid for like a tier, and told beside it.
  const isFast = usage["speed"] === FAST && (tier === undefined || tier === "standard");
  return isFast ? FAST : tier;
}

const FAST = "fast";

// Gemini's, and that of Bedrock's `InvokeModel`: both may have no other place.
const HEADERS = ["x-gemini-service-tier", "x-amzn-bedrock-service-tier"] as const;

/** The same as an answer's head says it. */
export function serviceTierInHead(headers: HeaderList): string | undefined {
  for (const name of HEADERS) {
    const tier = wordIn(headerValue(headers, name)?.trim());
    if (tier !== undefined) return tier;
  }
  return undefined;
}

// https://learn.microsoft.com/azure/foundry/openai/how-to/spillover-traffic-management
const SPILLED = "x-ms-spillover-from-deployment";
const SPILLOVER = "spillover";

/** The tier that was told; where provisioned throughput had no room and a usual deployment answered instead, that. */
export function tierOfDeployment(
  told: string | undefined,
  headers: HeaderList,
): string | undefined {
  const isUsual = told === undefined || told === DEFAULT_TIER;
  return isUsual && headerValue(headers, SPILLED) !== undefined ? SPILLOVER : told;
}

/** Nothing but a name: it is stored, and shown. */
function wordIn(value: unknown): string | undefined {
  // What nearly all say is not looked at twice.
  if (value === undefined || value === DEFAULT_TIER) return value;
  if (typeof value !== "string") return undefined;
  const word = value.toLowerCase();
  return TIER_NAME.test(word) ? word : undefined;
}
