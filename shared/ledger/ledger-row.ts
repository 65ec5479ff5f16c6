import { createHash } from "node:crypto";
import { DEFAULT_TIER } from "../core/service-tier.ts";
import {
  TOKEN_COUNTS,
  type UsageEvent,
  type UsageKind,
  type UsageProvenance,
} from "../usage/index.ts";
import type { LedgerEntity } from "./ledger-table.ts";

/** The counts of a row, each a sum over its events. */
export interface LedgerCounts {
  readonly events: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly cacheReadInputTokens: number;
  readonly cacheCreationInputTokens: number;
  readonly reasoningOutputTokens: number;
  readonly audioInputTokens: number;
  readonly audioOutputTokens: number;
}

/** What a row's events have in common. */
export interface LedgerFacts {
  /** Beginning of the hour, in epoch milliseconds. */
  readonly hourAt: number;
  readonly user: string;
  readonly group: string;
  readonly model: string;
  readonly backend: string;
  readonly priority: number;
  readonly kind: UsageKind;
  readonly provenance: UsageProvenance;
  /** Which of its provider's tiers served it. */
  readonly serviceTier: string;
}

export type LedgerRow = LedgerFacts & LedgerCounts;

const HOUR_MS = 3_600_000;
const KEY_BYTES = 16;

const COUNTS = ["events", ...TOKEN_COUNTS] as const;

/** Of all rows of an hour their keys begin so, and no marker's does. */
export const ROWS = { from: "row~", before: "row~~" } as const;
/** What was counted has a marker beside the rows. */
export const MARKERS = { from: "event~", before: "event~~" } as const;
// Between the markers and the rows: what is known for as long as its day is kept.
const KEPT = "kept~";

/** The marker of what was counted under a message's name, which comes again soon or never. */
export const markerKeyOf = (name: string): string => `${MARKERS.from}${digest(name)}`;

/** The marker of an event that may be told again at any time. */
export const keptMarkerOf = (eventId: string): string => `${KEPT}${digest(eventId)}`;

/** Where it is written for whom work in the background counts. */
export const ownerKeyOf = (work: string, atMs: number) => ({
  partitionKey: `${dayOf(atMs)}~work~${digest(work)}`,
  rowKey: `${KEPT}owner`,
});

/** The day as partitions begin with it; the days are in the order of time. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** A user's day: what is counted together must lie in one partition. */
export const partitionOf = (user: string, atMs: number): string => `${dayOf(atMs)}~${digest(user)}`;

/** The row to which an event counts; `shard` tells rows apart that many write at once. */
function rowKeyOf(facts: LedgerFacts, shard: number): string {
  const { hourAt, group, model, backend, priority, kind, provenance, serviceTier } = facts;
  const hour = new Date(hourAt).toISOString().slice(11, 13);
  const usual = [group, model, backend, priority, kind, provenance];
  // Rows of the usual tier have the names that they had before others were told apart.
  const name = JSON.stringify(serviceTier === DEFAULT_TIER ? usual : [...usual, serviceTier]);
  return `${ROWS.from}${hour}~${digest(name)}~${shard}`;
}

/** The row of one event alone. */
export function rowOf(event: UsageEvent): LedgerRow {
  const { endedAt, user, group = "", model = "", backend, priority, kind, provenance } = event;
  const { serviceTier = DEFAULT_TIER } = event;
  const hourAt = Math.floor(endedAt / HOUR_MS) * HOUR_MS;
  const facts = { hourAt, user, group, model, backend, priority, kind, provenance, serviceTier };
  return { ...facts, ...NO_COUNTS, ...event.tokens, events: 1 };
}

/** One row for all that have their facts in common: the same use, said more briefly. */
export function foldRows(rows: Iterable<LedgerRow>): LedgerRow[] {
  const sums = new Map<string, { -readonly [Name in keyof LedgerRow]: LedgerRow[Name] }>();
  for (const row of rows) {
    const { hourAt, user, group, model, backend, priority, kind, provenance, serviceTier } = row;
    const call = [backend, priority, kind, provenance, serviceTier];
    const key = JSON.stringify([hourAt, user, group, model, ...call]);
    const sum = sums.get(key);
    if (sum) for (const name of COUNTS) sum[name] += row[name];
    else sums.set(key, { ...row });
  }
  return [...sums.values()];
}

export const NO_COUNTS = Object.freeze(
  Object.fromEntries(COUNTS.map((name) => [name, 0])),
) as unknown as LedgerCounts;

/** The sums of two rows, name by name. */
export function addCounts(one: LedgerCounts, other: LedgerCounts): LedgerCounts {
  return Object.fromEntries(
    COUNTS.map((name) => [name, one[name] + other[name]]),
  ) as unknown as LedgerCounts;
}

/** Reads a row back; what a count lacks is zero, and what has no tier is of the usual one. */
export function toLedgerRow(entity: LedgerEntity): LedgerRow {
  const counts = COUNTS.map((name) => [name, Number(entity[name] ?? 0)]);
  const { hourAt, user, group, model, backend, priority, kind, provenance } = entity;
  const { serviceTier = DEFAULT_TIER } = entity;
  return {
    ...(Object.fromEntries(counts) as unknown as LedgerCounts),
    hourAt: Date.parse(String(hourAt)),
    user: String(user),
    group: String(group),
    model: String(model),
    backend: String(backend),
    priority: Number(priority),
    kind: kind as UsageKind,
    provenance: provenance as UsageProvenance,
    serviceTier: String(serviceTier),
  };
}

/** As the table keeps a row: times as text, so that people can read them, and no tier but an unusual one. */
export function toEntity(row: LedgerRow, shard: number): LedgerEntity {
  const { serviceTier, ...usual } = row;
  return {
    partitionKey: partitionOf(row.user, row.hourAt),
    rowKey: rowKeyOf(row, shard),
    ...usual,
    ...(serviceTier === DEFAULT_TIER ? {} : { serviceTier }),
    hourAt: new Date(row.hourAt).toISOString(),
    // As 64 bits: a plain number beyond 32 is not taken for a whole one.
    ...Object.fromEntries(COUNTS.map((name) => [name, BigInt(row[name])])),
  };
}

// Names that anybody may choose hold what no key may, and may be long.
function digest(text: string): string {
  return createHash("sha256").update(text).digest().subarray(0, KEY_BYTES).toString("base64url");
}
