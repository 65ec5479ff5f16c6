import * as z from "zod";
import { TIER_NAME, tierNamed } from "../core/service-tier.ts";
import { flag } from "./values.ts";

const MAX_PRICES = 1000;
// A message may come late by as much as it is known again when it comes twice.
const MIN_RETENTION_DAYS = 31;
// A year to charge back, and a month to do so.
const DEFAULT_RETENTION_DAYS = 400;
const MAX_RETENTION_DAYS = 3660;
const MS_PER_DAY = 86_400_000;
const CURRENCY = /^[A-Z]{3}$/;

const serviceTier = z
  .string()
  .regex(TIER_NAME, { error: "expected the name of a tier in lower case, such as priority" })
  .refine((name) => tierNamed(name) === name, {
    error: ({ input }) => `the ledger calls this tier ${tierNamed(String(input))}`,
  });

const price = z.number().min(0);
const priceSchema = z.strictObject({
  model: z.string().min(1),
  serviceTier: serviceTier.optional(),
  backend: z.string().min(1).optional(),
  input: price,
  output: price.default(0),
  cachedInput: price.optional(),
  cacheWrite: price.optional(),
  audioInput: price.optional(),
  audioOutput: price.optional(),
  from: z.iso.date().optional(),
});

/** What a million tokens of a model cost, from a day on. */
export interface ModelPrice {
  /** The model's name; `*` stands for any characters. */
  readonly model: string;
  /** The tier of the provider's that it is the price of; every one unless given. */
  readonly serviceTier?: string | undefined;
  /** The backend's name, with `*` as in the model's; every one unless given. */
  readonly backend?: string | undefined;
  readonly input: number;
  readonly output: number;
  /** Input that came from a cache; as other input unless given. */
  readonly cachedInput?: number | undefined;
  /** Input that went into a cache; as other input unless given. */
  readonly cacheWrite?: number | undefined;
  /** Input that is sound; as other input unless given. */
  readonly audioInput?: number | undefined;
  /** Output that is sound; as other output unless given. */
  readonly audioOutput?: number | undefined;
  /** The first day (UTC) on which it holds; always unless given. */
  readonly from?: string | undefined;
}

const prices = z.string().transform((text, context): readonly ModelPrice[] => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "expected a list in JSON" });
    return z.NEVER;
  }
  const parsed = z.array(priceSchema).max(MAX_PRICES).safeParse(value);
  if (parsed.success) {
    for (const message of hiddenIn(parsed.data)) context.addIssue({ code: "custom", message });
    return parsed.data;
  }
  for (const { path, message } of parsed.error.issues) {
    context.addIssue({ code: "custom", message: `[${path.join(".")}]: ${message}` });
  }
  return z.NEVER;
});

/** Prices of a tier or a backend that never count, because one for all of its model stands before them. */
function hiddenIn(all: readonly ModelPrice[]): string[] {
  return all.flatMap((price, at) => {
    if (price.serviceTier === undefined && price.backend === undefined) return [];
    const hiding = all.slice(0, at).findIndex((earlier) => isHiddenBy(price, earlier));
    return hiding < 0 ? [] : [`[${at}]: never counts, because [${hiding}] stands before it`];
  });
}

const isHiddenBy = (price: ModelPrice, earlier: ModelPrice): boolean =>
  [price.model, "*"].some((model) => model.toLowerCase() === earlier.model.toLowerCase()) &&
  (earlier.serviceTier ?? price.serviceTier) === price.serviceTier &&
  (earlier.backend ?? price.backend) === price.backend &&
  (earlier.from ?? "") <= (price.from ?? "");

/** Settings of how use is counted and priced. */
export const usageShape = {
  GATEWAY_USAGE_INCLUDE: flag.default(true),
  GATEWAY_USAGE_ESTIMATE: flag.default(true),
  GATEWAY_USAGE_PRICES: prices.default([]),
  GATEWAY_USAGE_CURRENCY: z
    .string()
    .regex(CURRENCY, { error: "expected a code of three letters, such as USD" })
    .default("USD"),
  GATEWAY_USAGE_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(MIN_RETENTION_DAYS)
    .max(MAX_RETENTION_DAYS)
    .default(DEFAULT_RETENTION_DAYS),
};

const usageSchema = z.object(usageShape);

export interface UsageSettings {
  /** Whether backends are asked for the usage of streams whose clients did not ask. */
  readonly isWished: boolean;
  /** Whether the tokens of answers that tell no usage are counted here. */
  readonly isEstimated: boolean;
  /** The first that matches a model, and holds by then, counts. */
  readonly prices: readonly ModelPrice[];
  readonly currency: string;
  /** For how long the ledger keeps what was used. */
  readonly retentionMs: number;
}

/** The usage part of the settings. */
export function toUsage(raw: z.infer<typeof usageSchema>): UsageSettings {
  return Object.freeze({
    isWished: raw.GATEWAY_USAGE_INCLUDE,
    isEstimated: raw.GATEWAY_USAGE_ESTIMATE,
    prices: raw.GATEWAY_USAGE_PRICES,
    currency: raw.GATEWAY_USAGE_CURRENCY,
    retentionMs: raw.GATEWAY_USAGE_RETENTION_DAYS * MS_PER_DAY,
  });
}
