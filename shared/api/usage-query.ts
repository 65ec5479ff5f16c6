import * as z from "zod";
import { USAGE_GROUPS } from "../core/domain.ts";
import { type Parsed, queryFault } from "./query-fault.ts";

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const MAX_DAYS = 92;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()], {
  error: "expected a day, or a time with its zone, such as 2026-11-23T07:00:00Z",
});
const group = z.enum(USAGE_GROUPS);

/** The query of `GET /usage`. */
export const usageQuerySchema = z.lazy(() =>
  z.strictObject({
    from: time.optional().meta({
      description: "The first hour, as a time or a day (UTC); 24 hours before `to` unless given.",
    }),
    to: time.optional().meta({
      description: `The end, not included; now unless given. At most ${MAX_DAYS} days after \`from\`.`,
    }),
    group: z
      .string()
      .default("model")
      .meta({
        description: `By what to tell use apart, separated by commas: ${group.options.join(", ")}.`,
      }),
    user: z.string().optional().meta({ description: "One user only. For operators." }),
    model: z.string().optional().meta({ description: "One model only." }),
    format: z.enum(["json", "csv"]).optional().meta({
      description: "Instead of what `Accept` says.",
    }),
    limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
    continuation: z.string().optional(),
  }),
);

/** Which use is asked for. Times are epoch milliseconds, on the hour. */
export interface UsageQuery {
  readonly fromAt: number;
  readonly beforeAt: number;
  readonly groups: readonly z.infer<typeof group>[];
  readonly user: string | undefined;
  readonly model: string | undefined;
  readonly format: "json" | "csv" | undefined;
  readonly limit: number;
  readonly continuation: string | undefined;
}

/** Reads the query of `GET /usage`, or says what is wrong with it. */
export function parseUsageQuery(query: URLSearchParams, nowMs: number): Parsed<UsageQuery> {
  const parsed = usageQuerySchema.safeParse(Object.fromEntries(query));
  if (!parsed.success) return queryFault(parsed.error);
  const { from, to, group: names, ...rest } = parsed.data;
  const groups = z.array(group).safeParse(namesIn(names));
  if (!groups.success) return queryFault(groups.error, "group");
  const beforeAt = Math.ceil((to === undefined ? nowMs + 1 : Date.parse(to)) / HOUR_MS) * HOUR_MS;
  const fromAt =
    from === undefined ? beforeAt - DAY_MS : Math.floor(Date.parse(from) / HOUR_MS) * HOUR_MS;
  if (beforeAt <= fromAt) return { ok: false, detail: "The span ends before it begins." };
  if (beforeAt - fromAt > MAX_DAYS * DAY_MS) {
    return { ok: false, detail: `The span is longer than ${MAX_DAYS} days.` };
  }
  const { user, model, format, limit, continuation } = rest;
  const value = { fromAt, beforeAt, groups: groups.data, user, model, format, limit, continuation };
  return { ok: true, value };
}

const namesIn = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  ),
];
