import * as z from "zod";

const count = z.int().min(0);

const tokenCounts = {
  inputTokens: count.meta({ description: "Prompts, with what came from a cache." }),
  cachedInputTokens: count,
  cacheWriteInputTokens: count,
  outputTokens: count.meta({ description: "Answers, with reasoning." }),
  reasoningTokens: count,
  totalTokens: count,
};

/** What was used; of what it is the sum is said by the names that were asked for. */
export const usageRowSchema = z.lazy(() =>
  z.strictObject({
    user: z.string().optional(),
    group: z.string().optional(),
    model: z.string().optional(),
    backend: z.string().optional().meta({ description: "For operators." }),
    class: z.string().optional(),
    provenance: z.string().optional(),
    serviceTier: z.string().optional().meta({
      description: "The provider's tier, as its answers told it; `default` for the usual one.",
    }),
    day: z.string().optional(),
    hour: z.string().optional(),
    answers: count,
    reported: count.meta({ description: "Answers whose backend told what they used." }),
    estimated: count.meta({ description: "Answers whose tokens were counted here." }),
    partial: count.meta({ description: "Answers that their reader left before the end." }),
    unknown: count.meta({
      description: "Answers of which nothing is known: refusals, for example.",
    }),
    ...tokenCounts,
    cost: z.number(),
    unpricedTokens: count.meta({ description: "Tokens of models without a price." }),
    failedAttempts: count.meta({
      description: "Calls that gave no answer; never part of the rest.",
    }),
    failedTokens: count,
  }),
);

/** What `GET /usage` answers. */
export const usageSchema = z.lazy(() =>
  z.strictObject({
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    group: z.array(z.string()),
    currency: z.string(),
    rows: z.array(usageRowSchema),
    total: usageRowSchema.meta({ description: "Of all rows, those of other pages too." }),
    continuation: z.string().optional().meta({
      description: "Opaque; given back, it brings the next page. Absent on the last one.",
    }),
  }),
);

export type UsageRow = z.infer<typeof usageRowSchema>;
export type Usage = z.infer<typeof usageSchema>;
