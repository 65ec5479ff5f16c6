import type { RpcBindingInfo, RpcTypedData } from "../core/core-types.ts";
import { textOf } from "../invocation/typed-data.ts";
import { encodeMessage, type MessageEncoding } from "./message-encoding.ts";
import {
  type StorageQueueConnections,
  storageConnectionName,
} from "./storage-queue-connections.ts";

/** Makes the sender of a `queue` output; `complain` hears why it cannot be made. */
export function createQueueOutput(
  binding: RpcBindingInfo,
  { connections, encoding }: { connections: StorageQueueConnections; encoding: MessageEncoding },
  complain: (problem: string) => void,
): (data: RpcTypedData) => Promise<void> {
  const queueName = String(binding["queueName"] ?? "");
  const open = connections.resolve(binding);
  if (!queueName) complain("its queue output needs queueName");
  if (!open)
    complain(`the connection "${storageConnectionName(binding)}" of its queue output is not set`);
  return async (data) => {
    const queue = await open?.(queueName);
    for (const body of toBodies(data)) await queue?.send(encodeMessage(body, encoding));
  };
}

/** One body for a value, one each for the elements of an array. */
export function toBodies(data: RpcTypedData): Buffer[] {
  if (data.bytes) return [Buffer.from(data.bytes)];
  if (data.json === undefined) return [Buffer.from(textOf(data) ?? "", "utf8")];
  const value: unknown = JSON.parse(data.json);
  return (Array.isArray(value) ? value : [value]).map((element) =>
    Buffer.from(typeof element === "string" ? element : JSON.stringify(element), "utf8"),
  );
}
