import * as z from "zod";
import { jobPatchSchema, jobStateSchema } from "./job-schemas.ts";
import { type Parsed, queryFault } from "./query-fault.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

const time = z.iso.datetime({
  offset: true,
  error: "expected a time with its zone, such as 2026-11-23T07:00:00Z",
});

/** The query of `GET /jobs`. */
export const jobListQuerySchema = z.lazy(() =>
  z.strictObject({
    state: z
      .string()
      .optional()
      .meta({ description: "States to show, separated by commas; all unless given." }),
    createdAfter: time.optional().meta({ description: "Shows jobs made at this time or later." }),
    createdBefore: time.optional().meta({ description: "Shows jobs made before this time." }),
    limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
    continuation: z.string().optional(),
    owner: z
      .string()
      .optional()
      .meta({ description: "Whose jobs to show; for operators. The caller's own unless given." }),
  }),
);

/** Which jobs are asked for. Times are epoch milliseconds. */
export interface JobListQuery {
  readonly states: ReadonlySet<string> | undefined;
  readonly createdAfter: number | undefined;
  readonly createdBefore: number | undefined;
  readonly limit: number;
  readonly continuation: string | undefined;
  /** Absent for the caller's own. */
  readonly owner: string | undefined;
}

/** Reads the query of `GET /jobs`, or says what is wrong with it. */
export function parseJobListQuery(query: URLSearchParams): Parsed<JobListQuery> {
  const parsed = jobListQuerySchema.safeParse(Object.fromEntries(query));
  if (!parsed.success) return queryFault(parsed.error);
  const { state, createdAfter, createdBefore, limit, continuation, owner } = parsed.data;
  const states = z.array(jobStateSchema).safeParse(state?.split(",").map((text) => text.trim()));
  if (state !== undefined && !states.success) return queryFault(states.error, "state");
  const epoch = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Date.parse(text);
  return {
    ok: true,
    value: {
      states: states.data && new Set(states.data),
      createdAfter: epoch(createdAfter),
      createdBefore: epoch(createdBefore),
      limit,
      continuation,
      owner,
    },
  };
}

/** Reads the body of `PATCH /jobs/{id}`, or says what is wrong with it. */
export function parseJobPatch(text: string): Parsed<{ readonly priority: number }> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, detail: "The body is not JSON." };
  }
  const parsed = jobPatchSchema.safeParse(value);
  return parsed.success ? { ok: true, value: parsed.data } : queryFault(parsed.error);
}
