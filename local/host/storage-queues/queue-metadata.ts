import type { RpcTypedData } from "../core/core-types.ts";
import type { QueueMessage } from "./storage-queue.ts";

/** Trigger metadata of a queue message; properties of a JSON body are part of it, as on the platform. */
export function queueMetadata(message: QueueMessage, text: string): Record<string, RpcTypedData> {
  return {
    ...bodyProperties(text),
    QueueTrigger: { string: text },
    DequeueCount: { json: String(message.dequeueCount) },
    ExpirationTime: { json: dateText(message.expiresOn) },
    Id: { string: message.messageId },
    InsertionTime: { json: dateText(message.insertedOn) },
    NextVisibleTime: { json: dateText(message.nextVisibleOn) },
    PopReceipt: { string: message.popReceipt },
  };
}

// A .NET DateTimeOffset in JSON; storage keeps whole seconds.
const dateText = (date: Date): string =>
  JSON.stringify(date.toISOString().replace(/\.\d+Z$/, "+00:00"));

function bodyProperties(text: string): Record<string, RpcTypedData> {
  if (!text.trimStart().startsWith("{")) return {};
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return Object.fromEntries(
      entries.map(([name, value]) => [
        name,
        typeof value === "string" ? { string: value } : { json: JSON.stringify(value) },
      ]),
    );
  } catch {
    return {};
  }
}
