import type { ServiceBusMessage } from "@azure/service-bus";
import type { RpcBindingInfo, RpcTypedData } from "../core/core-types.ts";
import { textOf } from "../invocation/typed-data.ts";
import type { ServiceBusConnection } from "./service-bus-client.ts";

/** The queue or topic that a `serviceBus` output sends to. */
export function outputEntity(binding: RpcBindingInfo): string | undefined {
  const entity = binding["queueName"] ?? binding["topicName"];
  return typeof entity === "string" && entity !== "" ? entity : undefined;
}

/** Makes the sender of a `serviceBus` output; its link is opened by the first message. */
export function createServiceBusOutput(
  entity: string,
  connect: () => Promise<ServiceBusConnection>,
): (data: RpcTypedData) => Promise<void> {
  let sender: Promise<ReturnType<ServiceBusConnection["createSender"]>> | undefined;
  return async (data) => {
    const messages = toMessages(data);
    if (messages.length === 0) return;
    sender ??= connect().then((connection) => connection.createSender(entity));
    await (await sender).sendMessages(messages);
  };
}

/** One message for a value, one each for the elements of an array; bodies are bytes, never SDK JSON. */
export function toMessages(data: RpcTypedData): ServiceBusMessage[] {
  if (data.bytes) {
    return [{ body: Buffer.from(data.bytes), contentType: "application/octet-stream" }];
  }
  if (data.json === undefined) {
    return [{ body: Buffer.from(textOf(data) ?? "", "utf8"), contentType: "text/plain" }];
  }
  const value: unknown = JSON.parse(data.json);
  return (Array.isArray(value) ? value : [value]).map((element) =>
    typeof element === "string"
      ? { body: Buffer.from(element, "utf8"), contentType: "text/plain" }
      : { body: Buffer.from(JSON.stringify(element), "utf8"), contentType: "application/json" },
  );
}
