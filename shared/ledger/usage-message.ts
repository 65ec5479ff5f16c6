import { createHash } from "node:crypto";
import { z } from "zod";
import type { NewId } from "../core/domain.ts";
import type { UsageEvent } from "../usage/index.ts";
import type { ToldUsage } from "./portions.ts";

// A message of a storage queue holds 64 KiB, of which base64 leaves three quarters.
// https://learn.microsoft.com/rest/api/storageservices/put-message
const MAX_MESSAGE_BYTES = 48 * 1024;
const MAX_NAME_CHARACTERS = 256;
const VERSION = 1;
const textOf = (id: string, events: string): string =>
  `{"version":${VERSION},"id":${JSON.stringify(id)},"events":[${events}]}`;

const count = z.int().min(0).optional();
const eventSchema = z.object({
  id: z.string().min(1),
  mayComeAgain: z.literal(true).optional(),
  kind: z.enum(["answer", "attempt"]),
  endedAt: z.int().min(0),
  requestId: z.string(),
  user: z.string(),
  group: z.string().optional(),
  model: z.string().optional(),
  backend: z.string(),
  priority: z.int(),
  status: z.int(),
  provenance: z.enum(["reported", "estimated", "partial", "unknown"]),
  tokens: z
    .object({
      inputTokens: count,
      outputTokens: count,
      totalTokens: count,
      cacheReadInputTokens: count,
      cacheCreationInputTokens: count,
      reasoningOutputTokens: count,
      audioInputTokens: count,
      audioOutputTokens: count,
    })
    .optional(),
});
const messageSchema = z.object({
  version: z.int().min(VERSION),
  // Absent in what an older app has sent.
  id: z.string().min(1).optional(),
  events: z.array(z.unknown()).min(1),
});

/** Events on their way, as text. */
export interface UsageMessage {
  readonly text: string;
  readonly eventCount: number;
}

/**
 * Puts events into as few messages as have room for them, in their order. Each event is in one message
 * only, and each message has an id, by which it is known when it comes again.
 */
export function toUsageMessages(events: readonly UsageEvent[], newId: NewId): UsageMessage[] {
  const messages: UsageMessage[] = [];
  let id = newId();
  let texts: string[] = [];
  let bytes = Buffer.byteLength(textOf(id, ""));
  const close = (): void => {
    if (texts.length === 0) return;
    messages.push({ text: textOf(id, texts.join(",")), eventCount: texts.length });
    id = newId();
    texts = [];
    bytes = Buffer.byteLength(textOf(id, ""));
  };
  for (const event of events) {
    const text = JSON.stringify(shortened(event));
    const size = Buffer.byteLength(text) + 1;
    if (bytes + size > MAX_MESSAGE_BYTES) close();
    texts.push(text);
    bytes += size;
  }
  close();
  return messages;
}

/** What a message tells, and what of it nobody can count. */
export interface ReadUsage {
  readonly told: ToldUsage;
  readonly poison: UsagePoison | undefined;
}

/** A message of what cannot be counted: of the events that are wrong, or the whole where all of it is. */
export interface UsagePoison {
  readonly text: string;
  readonly problem: string;
}

/** Thrown for what a newer app has sent: an app that knows it may be the next to get it. */
class NewerUsageError extends Error {
  override readonly name = "NewerUsageError";
}

/** Reads a message, event by event: one that is wrong keeps no other from being counted. */
export function fromUsageMessage(message: unknown): ReadUsage {
  const parsed = messageSchema.safeParse(parsedOf(message));
  if (!parsed.success) {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    return { told: { events: [] }, poison: { text, problem: problemOf(parsed.error) } };
  }
  const { version, id, events } = parsed.data;
  if (version > VERSION) throw new NewerUsageError(`The message is of version ${version}.`);
  const read = events.map((event) => ({ event, parsed: eventSchema.safeParse(event) }));
  // What JSON does not hold is absent, never undefined.
  const good = read.flatMap(({ parsed }) => (parsed.success ? [parsed.data as UsageEvent] : []));
  const wrong = read.filter(({ parsed }) => !parsed.success);
  const [first] = wrong;
  if (!first?.parsed.error) return { told: { id, events: good }, poison: undefined };
  const text = textOf(
    // Always the same: what is put aside twice counts once when it can be counted.
    `${id ?? digestOf(message)}/poison`,
    wrong.map(({ event }) => JSON.stringify(event)).join(","),
  );
  return { told: { id, events: good }, poison: { text, problem: problemOf(first.parsed.error) } };
}

function parsedOf(message: unknown): unknown {
  if (typeof message !== "string") return message;
  try {
    return JSON.parse(message) as unknown;
  } catch {
    return undefined;
  }
}

const problemOf = (error: z.ZodError): string => z.prettifyError(error).split("\n").join(" ");

const digestOf = (message: unknown): string =>
  createHash("sha256").update(JSON.stringify(message)).digest("base64url");

/** Names that callers choose may be of any length; that of a user is cut nowhere, or two would be one. */
function shortened(event: UsageEvent): UsageEvent {
  const { model } = event;
  if (model === undefined || model.length <= MAX_NAME_CHARACTERS) return event;
  return { ...event, model: model.slice(0, MAX_NAME_CHARACTERS) };
}
