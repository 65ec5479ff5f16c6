import { createHash } from "node:crypto";
import * as z from "zod";
import type { NewId } from "../core/domain.ts";
import { parsedJson } from "../core/parsed-json.ts";
import { DEFAULT_TIER, TIER_NAME } from "../core/service-tier.ts";
import { TOKEN_COUNTS, type UsageEvent } from "../usage/index.ts";
import { foldRows, type LedgerRow, NO_COUNTS, rowOf } from "./ledger-row.ts";
import type { ToldUsage } from "./portions.ts";

// A message of a storage queue holds 64 KiB, of which base64 leaves three quarters.
// https://learn.microsoft.com/rest/api/storageservices/put-message
const MAX_MESSAGE_BYTES = 48 * 1024;
const MAX_NAME_CHARACTERS = 256;

const tokenCounts = () => {
  const count = z.int().min(0).optional();
  return Object.fromEntries(TOKEN_COUNTS.map((name) => [name, count]));
};
const common = () => ({
  user: z.string(),
  group: z.string().optional(),
  model: z.string().optional(),
  backend: z.string(),
  priority: z.int(),
  kind: z.enum(["answer", "attempt"]),
  provenance: z.enum(["reported", "estimated", "partial", "unknown"]),
});
const tierSchema = z.string().regex(TIER_NAME);
const eventSchema = z.lazy(() =>
  z.object({
    ...common(),
    id: z.string().min(1),
    work: z.string().min(1).optional(),
    serviceTier: tierSchema.optional(),
    endedAt: z.int().min(0),
    requestId: z.string(),
    status: z.int(),
    tokens: z.object(tokenCounts()).optional(),
  }),
);
const sumSchema = z.lazy(() =>
  z.object({
    ...common(),
    ...tokenCounts(),
    group: z.string().default(""),
    model: z.string().default(""),
    serviceTier: tierSchema.default(DEFAULT_TIER),
    hourAt: z.int().min(0),
    events: z.int().min(1),
  }),
);
// Of a message that tells tiers apart: who does not would count it, and price it wrong.
const TIERED_VERSION = 3;
const PLAIN_VERSION = 2;
const messageSchema = z.lazy(() =>
  z
    .object({
      version: z.int().min(1),
      // Version 1 did not add up: it has events alone, which count by their own ids.
      id: z.string().min(1).optional(),
      oldestAt: z.int().min(0).optional(),
      sums: z.array(z.unknown()).default([]),
      events: z.array(z.unknown()).default([]),
    })
    .refine(({ sums, events }) => sums.length + events.length > 0, "It tells nothing."),
);

/** Use on its way, as text. */
export interface UsageMessage {
  readonly text: string;
  readonly eventCount: number;
  /** When the oldest event of those that were put into messages together was noted. */
  readonly oldestAt: number;
}

/** A message's use, and the time of the oldest event in it. */
export interface TimedUsage extends ToldUsage {
  readonly oldestAt: number;
}

/**
 * Puts events into as few messages as have room for them. What only this message will tell is added up
 * first: it is told once, and not for each call. Each message has an id, by which it is known when it
 * comes again.
 */
export function toUsageMessages(events: readonly UsageEvent[], newId: NewId): UsageMessage[] {
  const { again = [], once = [] } = Object.groupBy(events, ({ mayComeAgain }) =>
    mayComeAgain ? "again" : "once",
  );
  const oldestAt = oldestOf(events);
  const messages: UsageMessage[] = [];
  let draft = new Draft(newId(), oldestAt);
  const put = (kind: Kind, value: Told, eventCount: number): void => {
    const text = JSON.stringify(value);
    if (!draft.hasRoomFor(text)) {
      messages.push(draft.message());
      draft = new Draft(newId(), oldestAt);
    }
    draft.add(kind, { text, eventCount, isTiered: value.serviceTier !== undefined });
  };
  for (const sum of foldRows(once.map((event) => rowOf(shortened(event))))) {
    put("sums", withoutDefaults(sum), sum.events);
  }
  for (const event of again) put("events", shortened(event), 1);
  if (draft.eventCount > 0) messages.push(draft.message());
  return messages;
}

/** What a message tells, and what of it nobody can count. */
export interface ReadUsage {
  readonly told: TimedUsage;
  readonly poison: UsagePoison | undefined;
}

/** A message of what cannot be counted: of what is wrong, or the whole where all of it is. */
export interface UsagePoison {
  readonly text: string;
  readonly problem: string;
}

/** Thrown for what a newer app has sent: an app that knows it may be the next to get it. */
class NewerUsageError extends Error {
  override readonly name = "NewerUsageError";
}

const NOTHING: TimedUsage = { id: "", oldestAt: 0, sums: [], events: [] };

/** Reads a message, part by part: one that is wrong keeps no other from being counted. */
export function fromUsageMessage(message: unknown): ReadUsage {
  const parsed = messageSchema.safeParse(parsedOf(message));
  if (!parsed.success) {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    return { told: NOTHING, poison: { text, problem: problemOf(parsed.error) } };
  }
  const { version, id = digestOf(message) } = parsed.data;
  if (version > TIERED_VERSION) throw new NewerUsageError(`The message is of version ${version}.`);
  const sums = partsOf(parsed.data.sums, sumSchema);
  const events = partsOf(parsed.data.events, eventSchema);
  // What JSON does not hold is absent, never undefined.
  const counted = events.good as UsageEvent[];
  const { oldestAt = oldestOf(counted) } = parsed.data;
  const told = {
    id,
    oldestAt,
    sums: sums.good.map((sum) => ({ ...NO_COUNTS, ...sum })),
    events: counted,
  };
  const problem = sums.problem ?? events.problem;
  if (problem === undefined) return { told, poison: undefined };
  // Always the same: what is put aside twice counts once when it can be counted.
  const draft = new Draft(`${id}/poison`, oldestAt);
  const isTiered = version === TIERED_VERSION;
  const put = (kind: Kind, part: unknown): void =>
    draft.add(kind, { text: JSON.stringify(part), eventCount: 1, isTiered });
  for (const sum of sums.wrong) put("sums", sum);
  for (const event of events.wrong) put("events", event);
  return { told, poison: { text: draft.message().text, problem } };
}

function partsOf<Part>(parts: readonly unknown[], schema: z.ZodType<Part>) {
  const good: Part[] = [];
  const wrong: unknown[] = [];
  let problem: string | undefined;
  for (const part of parts) {
    const parsed = schema.safeParse(part);
    if (parsed.success) good.push(parsed.data);
    else {
      wrong.push(part);
      problem ??= problemOf(parsed.error);
    }
  }
  return { good, wrong, problem };
}

const parsedOf = (message: unknown): unknown =>
  typeof message === "string" ? parsedJson(message) : message;

const problemOf = (error: z.ZodError): string => z.prettifyError(error).split("\n").join(" ");

const digestOf = (message: unknown): string =>
  createHash("sha256").update(JSON.stringify(message)).digest("base64url");

/** 0 where there is none. */
const oldestOf = ([first, ...others]: readonly UsageEvent[]): number =>
  others.reduce((oldest, event) => Math.min(oldest, notedAt(event)), first ? notedAt(first) : 0);

/** When an event was noted. */
export const notedAt = ({ endedAt, toldAt = endedAt }: UsageEvent): number => toldAt;

type Kind = "sums" | "events";

/** What a message tells: a sum or an event. */
type Told = Pick<UsageEvent, "serviceTier">;

interface Part {
  readonly text: string;
  readonly eventCount: number;
  readonly isTiered: boolean;
}

/** A message that is being filled. Scope: one message. */
class Draft {
  eventCount = 0;
  readonly #id: string;
  readonly #oldestAt: number;
  readonly #texts: Record<Kind, string[]> = { sums: [], events: [] };
  #version = PLAIN_VERSION;
  #bytes: number;

  constructor(id: string, oldestAt: number) {
    this.#id = id;
    this.#oldestAt = oldestAt;
    this.#bytes = Buffer.byteLength(this.#text());
  }

  hasRoomFor(text: string): boolean {
    return this.eventCount === 0 || this.#bytes + sizeOf(text) <= MAX_MESSAGE_BYTES;
  }

  add(kind: Kind, { text, eventCount, isTiered }: Part): void {
    this.#texts[kind].push(text);
    if (isTiered) this.#version = TIERED_VERSION;
    this.#bytes += sizeOf(text);
    this.eventCount += eventCount;
  }

  message(): UsageMessage {
    return { text: this.#text(), eventCount: this.eventCount, oldestAt: this.#oldestAt };
  }

  #text(): string {
    const { sums, events } = this.#texts;
    const head = `"version":${this.#version},"id":${JSON.stringify(this.#id)},"oldestAt":${this.#oldestAt}`;
    return `{${head},"sums":[${sums.join(",")}],"events":[${events.join(",")}]}`;
  }
}

// With the comma before it.
const sizeOf = (text: string): number => Buffer.byteLength(text) + 1;

/** Most counts of tokens are zero, and most tiers the usual one; the reader knows. */
function withoutDefaults(sum: LedgerRow): Told {
  const zeros = TOKEN_COUNTS.filter((name) => sum[name] === 0).map((name) => [name, undefined]);
  const serviceTier = sum.serviceTier === DEFAULT_TIER ? undefined : sum.serviceTier;
  return { ...sum, ...Object.fromEntries(zeros), serviceTier };
}

/** Names that callers choose may be of any length; that of a user is cut nowhere, or two would be one. */
function shortened(event: UsageEvent): UsageEvent {
  const { model } = event;
  if (model === undefined || model.length <= MAX_NAME_CHARACTERS) return event;
  return { ...event, model: model.slice(0, MAX_NAME_CHARACTERS) };
}
