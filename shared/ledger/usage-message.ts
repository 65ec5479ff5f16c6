import { z } from "zod";
import type { NewId } from "../core/domain.ts";
import type { UsageEvent } from "../usage/index.ts";
import type { ToldUsage } from "./portions.ts";

// A message of a storage queue holds 64 KiB, of which base64 leaves three quarters.
// https://learn.microsoft.com/rest/api/storageservices/put-message
const MAX_MESSAGE_BYTES = 48 * 1024;
const MAX_NAME_CHARACTERS = 256;
const textOf = (id: string, events: string): string =>
  `{"version":1,"id":${JSON.stringify(id)},"events":[${events}]}`;

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
  version: z.literal(1),
  // Absent in what an older app has sent.
  id: z.string().min(1).optional(),
  events: z.array(eventSchema).min(1),
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

/** Reads a message's events; throws for one that this version does not know. */
export function fromUsageMessage(message: unknown): ToldUsage {
  const value: unknown = typeof message === "string" ? JSON.parse(message) : message;
  // What JSON does not hold is absent, never undefined.
  const { id, events } = messageSchema.parse(value);
  return { id, events: events as UsageEvent[] };
}

/** Names that callers choose may be of any length; that of a user is cut nowhere, or two would be one. */
function shortened(event: UsageEvent): UsageEvent {
  const { model } = event;
  if (model === undefined || model.length <= MAX_NAME_CHARACTERS) return event;
  return { ...event, model: model.slice(0, MAX_NAME_CHARACTERS) };
}
