import { parseUsageQuery, type Usage, type UsageQuery, type UsageRow } from "../../api/index.ts";
import { GatewayError } from "../../core/errors.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import { compared, createCostOf, type UsageSum, UsageSummary } from "../../ledger/index.ts";
import { recognise } from "../entry/recognise.ts";
import { requireOperator } from "../operators/require-operator.ts";
import type { Services } from "../services.ts";
import { usageCsv } from "./usage-csv.ts";

interface Asked {
  readonly headers: HeaderList;
  readonly target: string;
}

// One question reads no more rows, and holds no more sums: a shorter span is asked instead.
const MAX_ROWS_READ = 1_000_000;
const MAX_SUMS = 50_000;
const COST_DIGITS = 6;

/** What was used: the caller's own, or for operators everybody's, with what it costs. */
export async function readUsage(
  services: Services,
  { headers, target }: Asked,
): Promise<GatewayResponse> {
  const [, search = ""] = target.split("?", 2);
  const parsed = parseUsageQuery(new URLSearchParams(search), services.clock.now());
  if (!parsed.ok) throw new GatewayError("bad-request", parsed.detail);
  const query = await allowed(services, { headers, target }, parsed.value);
  const usage = pageOf(services, query, await summed(services, query));
  return wantsCsv(query, headers) ? csvResponse(query, usage) : jsonResponse(200, usage);
}

const NO_STORE: HeaderList = [["cache-control", "no-store"]];

/** Who proves to be an operator asks as one; everybody else is told their own, and of no backend. */
async function allowed(services: Services, asked: Asked, query: UsageQuery): Promise<UsageQuery> {
  const mustBeOperator = (): Promise<void> => requireOperator(services, asked.headers);
  if (services.operators(asked.headers) !== "unidentified") {
    await mustBeOperator();
    return query;
  }
  const { caller, verified } = await recognise(services, asked);
  if (verified?.isOperator) return query;
  const asksForMore = query.user !== undefined && query.user !== caller.userId;
  if (asksForMore || query.groups.includes("backend")) await mustBeOperator();
  return { ...query, user: caller.userId };
}

async function summed({ usage, settings }: Services, query: UsageQuery): Promise<UsageSummary> {
  const { ledger } = usage;
  if (!ledger) throw new GatewayError("usage-unavailable", "This app keeps no ledger.");
  const { prices } = settings.usage;
  const summary = new UsageSummary(query.groups, createCostOf(prices));
  let rowsRead = 0;
  for await (const rows of ledger.read(query)) {
    rowsRead += rows.length;
    for (const row of rows) {
      if (query.model === undefined || row.model === query.model) summary.add(row);
    }
    if (rowsRead > MAX_ROWS_READ || summary.size > MAX_SUMS) {
      throw new GatewayError("bad-request", "The span holds too much for one question.");
    }
  }
  return summary;
}

function pageOf({ settings }: Services, query: UsageQuery, summary: UsageSummary): Usage {
  const { groups, limit, continuation } = query;
  const behind = continuation === undefined ? undefined : fromContinuation(continuation);
  const left = behind
    ? summary.sums().filter(({ names }) => compared(names, behind) > 0)
    : summary.sums();
  const page = left.slice(0, limit);
  const last = page.at(-1);
  return {
    from: new Date(query.fromAt).toISOString(),
    to: new Date(query.beforeAt).toISOString(),
    group: [...groups],
    currency: settings.usage.currency,
    rows: page.map((sum) => ({ ...namesOf(groups, sum), ...countsOf(sum) })),
    total: countsOf(summary.total),
    ...(last && left.length > limit ? { continuation: toContinuation(last.names) } : {}),
  };
}

const namesOf = (groups: UsageQuery["groups"], { names }: UsageSum): Partial<UsageRow> =>
  Object.fromEntries(groups.map((group, index) => [group, names[index]]));

function countsOf({ answers, failedAttempts, provenance, ...rest }: UsageSum): UsageRow {
  return {
    answers: answers.events,
    reported: provenance["reported"] ?? 0,
    estimated: provenance["estimated"] ?? 0,
    partial: provenance["partial"] ?? 0,
    unknown: provenance["unknown"] ?? 0,
    inputTokens: answers.inputTokens,
    cachedInputTokens: answers.cacheReadInputTokens,
    cacheWriteInputTokens: answers.cacheCreationInputTokens,
    outputTokens: answers.outputTokens,
    reasoningTokens: answers.reasoningOutputTokens,
    totalTokens: answers.totalTokens,
    cost: Number(rest.cost.toFixed(COST_DIGITS)),
    unpricedTokens: rest.unpricedTokens,
    failedAttempts: failedAttempts.events,
    failedTokens: failedAttempts.totalTokens,
  };
}

const wantsCsv = ({ format }: UsageQuery, headers: HeaderList): boolean =>
  format === "csv" ||
  (format === undefined && /\btext\/csv\b/i.test(headerValue(headers, "accept") ?? ""));

function csvResponse({ groups }: UsageQuery, { rows, currency, continuation }: Usage) {
  const body = Buffer.from(usageCsv(groups, rows, currency));
  return {
    status: 200,
    headers: [
      ["content-type", "text/csv; charset=utf-8; header=present"],
      ["content-length", String(body.byteLength)],
      ["content-disposition", 'attachment; filename="usage.csv"'],
      ["x-content-type-options", "nosniff"],
      ...(continuation === undefined ? [] : [["x-continuation", continuation] as const]),
      ...NO_STORE,
    ],
    body,
  } satisfies GatewayResponse;
}

const toContinuation = (names: readonly string[]): string =>
  Buffer.from(JSON.stringify(names)).toString("base64url");

function fromContinuation(text: string): readonly string[] {
  try {
    const names: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  } catch {
    // Told below.
  }
  throw new GatewayError("bad-request", "The continuation cannot be read.");
}
