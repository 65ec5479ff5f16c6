import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { batchData, bodyData } from "../../../local/host/service-bus/message-body.ts";
import {
  batchMetadata,
  messageMetadata,
} from "../../../local/host/service-bus/message-metadata.ts";
import { messageSource, sourcePath } from "../../../local/host/service-bus/message-source.ts";
import { toMessages } from "../../../local/host/service-bus/service-bus-output.ts";

const message = (fields: object): ServiceBusReceivedMessage =>
  ({ body: Buffer.from("{}"), deliveryCount: 0, ...fields }) as ServiceBusReceivedMessage;

const full = message({
  messageId: "12345678901234567890",
  correlationId: "true",
  contentType: "application/json",
  subject: "label",
  replyTo: "replies",
  sessionId: "007",
  lockToken: "6f5d0a4e-0000-4000-8000-000000000000",
  enqueuedTimeUtc: new Date("2026-11-22T10:00:00.120Z"),
  expiresAtUtc: new Date("2026-12-06T10:00:00Z"),
  sequenceNumber: { toString: () => "9007199254740993" },
  applicationProperties: { Tenant: "a", n: 1 },
});

describe("metadata of a Service Bus message", () => {
  it("has the names and shapes of the wire, dates without Z, long numbers with all digits", () => {
    expect(messageMetadata(full)).toEqual({
      DeliveryCount: { json: "1" },
      LockToken: { string: "6f5d0a4e-0000-4000-8000-000000000000" },
      ExpiresAtUtc: { json: '"2026-12-06T10:00:00"' },
      ExpiresAt: { json: '"2026-12-06T10:00:00+00:00"' },
      EnqueuedTimeUtc: { json: '"2026-11-22T10:00:00.12"' },
      EnqueuedTime: { json: '"2026-11-22T10:00:00.12+00:00"' },
      MessageId: { string: "12345678901234567890" },
      ContentType: { string: "application/json" },
      ReplyTo: { string: "replies" },
      SequenceNumber: { json: "9007199254740993" },
      Subject: { string: "label" },
      Label: { string: "label" },
      CorrelationId: { string: "true" },
      ApplicationProperties: { json: '{"Tenant":"a","n":1}' },
      UserProperties: { json: '{"Tenant":"a","n":1}' },
      SessionId: { string: "007" },
    });
  });

  it("leaves out what the message lacks", () => {
    expect(Object.keys(messageMetadata(message({ deliveryCount: 2 })))).toEqual([
      "DeliveryCount",
      "ApplicationProperties",
      "UserProperties",
    ]);
  });

  it("comes as arrays for a batch, which lose absent texts", () => {
    const metadata = batchMetadata([full, message({ messageId: "b", deliveryCount: 4 })]);
    expect(metadata["MessageIdArray"]).toEqual({
      collectionString: { string: ["12345678901234567890", "b"] },
    });
    expect(metadata["ContentTypeArray"]).toEqual({
      collectionString: { string: ["application/json"] },
    });
    expect(metadata["DeliveryCountArray"]).toEqual({ json: "[1,5]" });
    expect(metadata["EnqueuedTimeUtcArray"]).toEqual({ json: '["2026-11-22T10:00:00.12",null]' });
    expect(metadata["SequenceNumberArray"]?.collectionSint64?.sint64).toHaveLength(2);
    expect(metadata["ApplicationPropertiesArray"]).toEqual({ json: '[{"Tenant":"a","n":1},{}]' });
  });
});

describe("bodies of Service Bus messages", () => {
  it("are text, or bytes for a binary binding", () => {
    expect(bodyData(Buffer.from("ü"), false)).toEqual({ string: "ü" });
    expect(bodyData("value", false)).toEqual({ string: "value" });
    expect(bodyData([Buffer.from("a"), Buffer.from("b")], false)).toEqual({ string: "ab" });
    expect(bodyData(Buffer.from([0xff]), true)).toEqual({ bytes: Buffer.from([0xff]) });
    expect(bodyData(Buffer.from([0xff]), false)).toEqual({ string: "\uFFFD" });
  });

  it("may not be AMQP values other than text", () => {
    expect(() => bodyData({ a: 1 }, false)).toThrow("AMQP value");
  });

  it("lose empty texts in a batch, as on the platform", () => {
    const bodies = [Buffer.from("a"), Buffer.from(""), Buffer.from("b")];
    expect(batchData(bodies, false)).toEqual({ collectionString: { string: ["a", "b"] } });
    expect(batchData(bodies, true).collectionBytes?.bytes).toHaveLength(3);
  });
});

describe("Service Bus bindings", () => {
  it.each([
    [{ queueName: "q" }, "q"],
    [{ queueName: "q/$DeadLetterQueue" }, "q/$DeadLetterQueue"],
    [{ topicName: "t", subscriptionName: "s" }, "t/Subscriptions/s"],
    [
      { topicName: "t", subscriptionName: "s/$deadletterqueue" },
      "t/Subscriptions/s/$DeadLetterQueue",
    ],
    [{ topicName: "t" }, undefined],
    [{}, undefined],
  ])("name their source: %o", (options, path) => {
    const source = messageSource({ type: "serviceBusTrigger", ...options });
    expect(source && sourcePath(source)).toBe(path);
  });

  it("send a message for a value, and one each for the elements of an array", () => {
    const bodies = (data: object) =>
      toMessages(data).map(({ body, contentType }) => [String(body), contentType]);
    expect(bodies({ string: "text" })).toEqual([["text", "text/plain"]]);
    expect(bodies({ int: 5 })).toEqual([["5", "text/plain"]]);
    expect(bodies({ bytes: Buffer.from("b") })).toEqual([["b", "application/octet-stream"]]);
    expect(bodies({ json: '[{"a":1},"s",2]' })).toEqual([
      ['{"a":1}', "application/json"],
      ["s", "text/plain"],
      ["2", "application/json"],
    ]);
    expect(bodies({ json: "[]" })).toEqual([]);
  });
});
