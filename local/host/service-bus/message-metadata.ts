import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { RpcTypedData } from "../core/core-types.ts";

type Message = Omit<ServiceBusReceivedMessage, "_rawAmqpMessage" | "body" | "state">;

/** How a property travels: as text, which the library parses when it happens to be JSON, or as JSON. */
type Property =
  | { kind: "text"; read(message: Message): string | undefined }
  | { kind: "long"; read(message: Message): string | undefined }
  | { kind: "json"; read(message: Message): unknown };

const text = (read: (message: Message) => unknown): Property => ({
  kind: "text",
  read: (message) => {
    const value = read(message);
    return value === undefined || value === null ? undefined : String(value);
  },
});

const json = (read: (message: Message) => unknown): Property => ({ kind: "json", read });

const applicationProperties = json(({ applicationProperties }) => applicationProperties ?? {});
const subject = text((message) => message.subject);

// The names of the Service Bus extension 5.x. The platform serialises its .NET receiver objects
// too (MessageActions, Client, ...); nothing in JavaScript can use those, so they are left out.
const PROPERTIES: Readonly<Record<string, Property>> = {
  // AMQP counts failed deliveries from 0, .NET counts deliveries from 1.
  DeliveryCount: json((message) => (message.deliveryCount ?? 0) + 1),
  DeadLetterSource: text((message) => message.deadLetterSource),
  LockToken: text((message) => message.lockToken),
  ExpiresAtUtc: json((message) => netDateTime(message.expiresAtUtc)),
  ExpiresAt: json((message) => netDateTimeOffset(message.expiresAtUtc)),
  EnqueuedTimeUtc: json((message) => netDateTime(message.enqueuedTimeUtc)),
  EnqueuedTime: json((message) => netDateTimeOffset(message.enqueuedTimeUtc)),
  MessageId: text((message) => message.messageId),
  ContentType: text((message) => message.contentType),
  ReplyTo: text((message) => message.replyTo),
  SequenceNumber: { kind: "long", read: (message) => message.sequenceNumber?.toString() },
  To: text((message) => message.to),
  Subject: subject,
  Label: subject,
  CorrelationId: text((message) => message.correlationId),
  ApplicationProperties: applicationProperties,
  UserProperties: applicationProperties,
  SessionId: text((message) => message.sessionId),
  ReplyToSessionId: text((message) => message.replyToSessionId),
  PartitionKey: text((message) => message.partitionKey),
};

/** Trigger metadata of one message, in the shapes of the wire; what is absent is left out. */
export function messageMetadata(message: Message): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = {};
  for (const [name, property] of Object.entries(PROPERTIES)) {
    const value = property.read(message);
    if (value === undefined) continue;
    metadata[name] =
      property.kind === "text" ? { string: String(value) } : { json: jsonText(property, value) };
  }
  return metadata;
}

/** Trigger metadata of a batch: the same names with `Array`. */
export function batchMetadata(messages: readonly Message[]): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = {};
  for (const [name, property] of Object.entries(PROPERTIES)) {
    const values = messages.map((message) => property.read(message));
    metadata[`${name}Array`] = arrayData(property, values);
  }
  return metadata;
}

function arrayData({ kind }: Property, values: readonly unknown[]): RpcTypedData {
  if (kind === "long") return { collectionSint64: { sint64: values.map(Number) } };
  if (kind === "json") return { json: JSON.stringify(values.map((value) => value ?? null)) };
  // The platform drops empty texts from string collections, so indexes may not match the messages.
  return {
    collectionString: { string: values.map((value) => String(value ?? "")).filter(Boolean) },
  };
}

// A long goes out with all its digits; it is the library's JSON.parse that rounds those above 2^53.
const jsonText = ({ kind }: Property, value: unknown): string =>
  kind === "long" ? String(value) : JSON.stringify(value);

const MAX_NET_DATE = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function netDateTime(date: Date | undefined): string | undefined {
  if (!date) return undefined;
  const iso = new Date(Math.min(date.getTime(), MAX_NET_DATE)).toISOString();
  const [seconds = "", fraction = ""] = iso.slice(0, -1).split(".");
  // Newtonsoft writes no trailing zeros, and no Z: the extension loses the kind of its DateTime.
  const digits = fraction.replace(/0+$/, "");
  return digits ? `${seconds}.${digits}` : seconds;
}

function netDateTimeOffset(date: Date | undefined): string | undefined {
  const text = netDateTime(date);
  return text === undefined ? undefined : `${text}+00:00`;
}
