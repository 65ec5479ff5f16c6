import * as z from "zod";
import { flag } from "./values.ts";

const MAX_PRICES = 1000;
// A message may come late by as much as it is known again when it comes twice.
const MIN_RETENTION_DAYS = 31;
// A year to charge back, and a month to do so.
const DEFAULT_RETENTION_DAYS = 400;
const MAX_RETENTION_DAYS = 3660;
const MS_PER_DAY = 86_400_000;
const CURRENCY = /^[A-Z]{3}$/;

const price = z.number().min(0);
const priceSchema = z.strictObject({
  model: z.string().min(1),
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
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) {
    context.addIssue({ code: "custom", message: `[${path.join(".")}]: ${message}` });
  }
  return z.NEVER;
});

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
