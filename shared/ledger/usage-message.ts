import { z } from "zod";
import type { UsageEvent } from "../usage/index.ts";

// A message of a storage queue holds 64 KiB, of which base64 leaves three quarters.
// https://learn.microsoft.com/rest/api/storageservices/put-message
const MAX_MESSAGE_BYTES = 48 * 1024;
const MAX_NAME_CHARACTERS = 256;
const ENVELOPE_BYTES = Buffer.byteLength('{"version":1,"events":[]}');

const count = z.int().min(0).optional();
const eventSchema = z.object({
  id: z.string().min(1),
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
const messageSchema = z.object({ version: z.literal(1), events: z.array(eventSchema).min(1) });

/** Events on their way, as text. */
export interface UsageMessage {
  readonly text: string;
  readonly eventCount: number;
}

/** Puts events into as few messages as have room for them, in their order. */
export function toUsageMessages(events: readonly UsageEvent[]): UsageMessage[] {
  const messages: UsageMessage[] = [];
  let texts: string[] = [];
  let bytes = ENVELOPE_BYTES;
  const close = (): void => {
    if (texts.length === 0) return;
    const text = `{"version":1,"events":[${texts.join(",")}]}`;
    messages.push({ text, eventCount: texts.length });
    texts = [];
    bytes = ENVELOPE_BYTES;
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
export function fromUsageMessage(message: unknown): UsageEvent[] {
  const value: unknown = typeof message === "string" ? JSON.parse(message) : message;
  // What JSON does not hold is absent, never undefined.
  return messageSchema.parse(value).events as UsageEvent[];
}

/** Names that callers choose may be of any length; that of a user is cut nowhere, or two would be one. */
function shortened(event: UsageEvent): UsageEvent {
  const { model } = event;
  if (model === undefined || model.length <= MAX_NAME_CHARACTERS) return event;
  return { ...event, model: model.slice(0, MAX_NAME_CHARACTERS) };
}
