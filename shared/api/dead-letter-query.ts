import * as z from "zod";
import { type Parsed, queryFault } from "./query-fault.ts";

const MAX_PAGE = 200;
const MAX_BULK = 500;

const listSchema = z.lazy(() =>
  z.strictObject({
    queue: z.string().optional(),
    limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
    body: z.stringbool().default(false),
    continuation: z.string().optional(),
  }),
);

const bulkSchema = z.lazy(() =>
  z.strictObject({
    limit: z.coerce.number().int().min(1).max(MAX_BULK).default(100),
  }),
);

/** What `GET /operations/dead-letters` is asked. */
export type DeadLetterQuery = z.infer<typeof listSchema>;

/** Reads the query of `GET /operations/dead-letters`, or says what is wrong with it. */
export function parseDeadLetterQuery(query: URLSearchParams): Parsed<DeadLetterQuery> {
  return parse(listSchema, query);
}

/** Reads how many dead letters of a queue are dealt with at once, or says what is wrong. */
export function parseDeadLetterBulk(query: URLSearchParams): Parsed<{ readonly limit: number }> {
  return parse(bulkSchema, query);
}

function parse<Value>(schema: z.ZodType<Value>, query: URLSearchParams): Parsed<Value> {
  const parsed = schema.safeParse(Object.fromEntries(query));
  if (parsed.success) return { ok: true, value: parsed.data };
  return queryFault(parsed.error);
}
