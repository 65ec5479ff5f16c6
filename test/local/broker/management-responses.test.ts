import { describe, expect, it } from "vitest";
import { tokenToUuid } from "../../../local/broker/amqp/lock-token.ts";
import { type Typed, types } from "../../../local/broker/amqp/rhea.ts";
import { readSections, SECTION } from "../../../local/broker/amqp/sections.ts";
import {
  arrayOf,
  decode,
  encode,
  entriesOf,
  mapOf,
  sectionOf,
  valuesOf,
} from "../../../local/broker/amqp/typed.ts";
import { readRequest } from "../../../local/broker/management/request.ts";
import { respond, respondToToken } from "../../../local/broker/management/respond.ts";
import { message, settle, TestConsumer, testQueue } from "./memory-store.ts";

const MESSAGE_ID = types.wrap_uuid(Buffer.alloc(16, 7));

function requestOf(operation: string, body: Record<string, Typed> = {}) {
  const none = types.Null();
  const properties = [MESSAGE_ID, none, none, none, types.wrap_string("replies")];
  return readRequest(
    encode(
      sectionOf("properties", types.wrap_list(properties)),
      sectionOf("applicationProperties", mapOf({ operation: types.wrap_string(operation) })),
      sectionOf("value", mapOf(body)),
    ),
  );
}

function read(response: Buffer) {
  const at = (code: number) => {
    const section = readSections(response).find((one) => one.code === code);
    return section && decode(response.subarray(section.valueStart, section.end));
  };
  return {
    correlationId: valuesOf(at(SECTION.properties))[5],
    properties: new Map(entriesOf(at(SECTION.applicationProperties))),
    body: new Map(entriesOf(at(SECTION.value))),
  };
}

/** Typed clients cast: a value of the right number and the wrong type is a failure to them. */
describe("management responses", () => {
  const ask = (operation: string, body: Record<string, Typed> = {}, parts = testQueue()) => {
    const { queue, clock } = parts;
    const entity = { kind: "queue", queue } as const;
    return read(respond(requestOf(operation, body), { entity, clock }));
  };

  it("carry the request's message id as it was, a status of type int and a symbol for errors", () => {
    const { correlationId, properties } = ask("com.microsoft:no-such-thing");
    expect(correlationId?.type.name).toBe("Uuid");
    expect(correlationId?.value).toEqual(MESSAGE_ID.value);
    expect(properties.get("statusCode")).toMatchObject({ type: { name: "Int" }, value: 501 });
    expect(properties.get("errorCondition")).toMatchObject({
      type: { name: "Sym8" },
      value: "amqp:not-implemented",
    });
  });

  it("accept tokens with the other spelling of the status", () => {
    const { properties } = read(respondToToken(requestOf("put-token")));
    expect(properties.get("status-code")).toMatchObject({ type: { name: "Int" }, value: 202 });
  });

  it("give arrays of longs for what was scheduled, and of timestamps for renewed locks", async () => {
    const parts = testQueue();
    const due = types.wrap_timestamp(parts.clock.now() + 1_000);
    const annotations = types.Map32([types.wrap_symbol("x-opt-scheduled-enqueue-time"), due]);
    const scheduled = encode(
      sectionOf("messageAnnotations", annotations),
      sectionOf("value", types.wrap_string("later")),
    );
    const messages = types.wrap_list([mapOf({ message: types.wrap_binary(scheduled) })]);
    const { body } = ask("com.microsoft:schedule-message", { messages }, parts);
    const numbers = body.get("sequence-numbers");
    expect(numbers?.type.name).toBe("Array32");
    expect(valuesOf(numbers)).toMatchObject([{ type: { name: "Long" }, value: 1 }]);
    const consumer = new TestConsumer();
    parts.queue.addConsumer(consumer);
    parts.queue.accept(message());
    await settle();
    const tokens = arrayOf("uuid", [tokenToUuid(consumer.lock.token)]);
    const renewed = ask("com.microsoft:renew-lock", { "lock-tokens": tokens }, parts);
    const expirations = renewed.body.get("expirations");
    expect(expirations?.type.name).toBe("Array32");
    const until = new Date(parts.clock.now() + 60_000);
    expect(valuesOf(expirations)).toMatchObject([{ type: { name: "Timestamp" }, value: until }]);
  });

  it("settle messages by their lock tokens in every way, once", async () => {
    const parts = testQueue();
    const consumer = new TestConsumer(4);
    parts.queue.addConsumer(consumer);
    for (let count = 0; count < 4; count++) parts.queue.accept(message());
    await settle();
    const statuses = ["completed", "abandoned", "defered", "suspended"];
    const update = (status: string, token: string) =>
      ask(
        "com.microsoft:update-disposition",
        {
          "lock-tokens": arrayOf("uuid", [tokenToUuid(token)]),
          "disposition-status": types.wrap_string(status),
          "deadletter-reason": types.wrap_string("tired"),
        },
        parts,
      ).properties.get("statusCode")?.value;
    const tokens = consumer.deliveries.map(({ lock }) => lock?.token ?? "");
    expect(statuses.map((status, index) => update(status, tokens[index] ?? ""))).toEqual([
      200, 200, 200, 200,
    ]);
    await settle();
    expect(parts.queue.counts).toEqual({ active: 1, deferred: 1, scheduled: 0 });
    expect(parts.deadLetterQueue.counts.active).toBe(1);
    expect(update("completed", tokens[0] ?? "")).toBe(410);
    expect(update("forgotten", tokens[1] ?? "")).toBe(410);
  });

  it("say what is wrong with a request", () => {
    const status = (operation: string, body: Record<string, Typed> = {}) => {
      const { properties } = ask(`com.microsoft:${operation}`, body);
      return [properties.get("statusCode")?.value, properties.get("errorCondition")?.value];
    };
    expect(status("peek-message")).toEqual([400, "com.microsoft:argument-error"]);
    expect(status("add-rule", { "rule-name": types.wrap_string("r") })[0]).toBe(400);
    expect(status("renew-session-lock")).toEqual([400, "amqp:not-allowed"]);
    const numbers = { "sequence-numbers": arrayOf("long", [1]) };
    expect(status("cancel-scheduled-message", numbers)).toEqual([
      404,
      "com.microsoft:message-not-found",
    ]);
    const from = { "from-sequence-number": types.wrap_long(0), "message-count": types.wrap_int(1) };
    expect(status("peek-message", from)).toEqual([204, undefined]);
  });
});
