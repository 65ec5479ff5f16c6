import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { setApplicationProperties } from "../../../local/broker/amqp/application-properties.ts";
import { encodeDelivery } from "../../../local/broker/amqp/delivery-bytes.ts";
import {
  BATCH_FORMAT,
  readMessage,
  readTransfer,
} from "../../../local/broker/amqp/incoming-message.ts";
import { type Typed, types } from "../../../local/broker/amqp/rhea.ts";
import { readSections, SECTION } from "../../../local/broker/amqp/sections.ts";
import {
  arrayOf,
  decode,
  encode,
  entriesOf,
  mapOf,
  sectionOf,
} from "../../../local/broker/amqp/typed.ts";
import { endOfValue } from "../../../local/broker/amqp/value-bounds.ts";

const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const bytesOf = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

const scalar: fc.Arbitrary<Typed> = fc.oneof(
  fc.constant(types.Null()),
  fc.boolean().map((value) => types.wrap_boolean(value)),
  fc.integer().map((value) => types.wrap_int(value)),
  fc.nat().map((value) => types.wrap_uint(value)),
  bytesOf(8).map((value) => types.wrap_long(value)),
  fc.double().map((value) => types.wrap_double(value)),
  fc.date({ noInvalidDate: true }).map((value) => types.wrap_timestamp(value.getTime())),
  bytesOf(16).map((value) => types.wrap_uuid(value)),
  bytes(600).map((value) => types.wrap_binary(value)),
  fc.string({ maxLength: 400 }).map((value) => types.wrap_string(value)),
  fc.constant("a-symbol").map((value) => types.wrap_symbol(value)),
  fc.array(fc.integer(), { maxLength: 5 }).map((values) => arrayOf("long", values)),
);

const { value: anyValue } = fc.letrec<{ value: Typed }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }).map((values) => types.wrap_list(values)),
    fc
      .dictionary(fc.string({ maxLength: 8 }), tie("value"), { maxKeys: 4, noNullPrototype: true })
      .map((entries) => mapOf(entries)),
    // Service Bus carries .NET types as described values.
    tie("value").map((value) => types.described(types.wrap_symbol("a:type"), value)),
  ),
}));

const properties = fc.dictionary(fc.string({ maxLength: 8 }), anyValue, {
  maxKeys: 5,
  noNullPrototype: true,
});

describe("the splitter of AMQP messages", () => {
  it("finds where any value ends without knowing its type", () => {
    fc.assert(
      fc.property(anyValue, bytes(8), (value, rest) => {
        const encoded = encode(value);
        expect(endOfValue(Buffer.concat([encoded, rest]), 0)).toBe(encoded.length);
      }),
    );
  });

  it("finds every section of a message, and delivers the client's bytes unchanged", () => {
    const arbitrary = fc.tuple(properties, fc.array(anyValue, { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(arbitrary, ([entries, bodies]) => {
        const id = types.wrap_list([types.wrap_string("id")]);
        const tail = encode(
          sectionOf("properties", id),
          sectionOf("applicationProperties", mapOf(entries)),
          ...bodies.map((body) => sectionOf("value", body)),
        );
        const head = encode(
          sectionOf("header", types.wrap_list([types.wrap_boolean(true)])),
          sectionOf("deliveryAnnotations", types.Map32([])),
          sectionOf("messageAnnotations", types.Map32([types.wrap_symbol("x-mine"), id])),
        );
        const received = readMessage(Buffer.concat([head, tail]));
        expect(received.messageId).toBe("id");
        expect(received.content.durable).toBe(true);
        const own = { deliveryCount: 1, sequenceNumber: 2, enqueuedAt: 3, state: 0 };
        const delivered = encodeDelivery(received.content, own);
        const sections = readSections(delivered);
        const { properties: firstOfTail } = SECTION;
        const start = sections.find(({ code }) => code === firstOfTail)?.start;
        expect(delivered.subarray(start)).toEqual(tail);
        expect(sections).toHaveLength(2 + 2 + bodies.length);
        const map = sections[1] ?? expect.fail("no annotations");
        const annotations = new Map(entriesOf(decode(delivered.subarray(map.valueStart, map.end))));
        expect(encode(annotations.get("x-mine") ?? types.Null())).toEqual(encode(id));
        expect(annotations.get("x-opt-sequence-number")?.value).toBe(2);
        expect(annotations.get("x-opt-sequence-number")?.type.name).toBe("Long");
      }),
    );
  });

  it("changes application properties without touching the types of the others", () => {
    fc.assert(
      fc.property(properties, anyValue, fc.boolean(), (entries, body, hasSection) => {
        const sections = [sectionOf("properties", types.wrap_list([])), sectionOf("value", body)];
        const section = sectionOf("applicationProperties", mapOf(entries));
        if (hasSection) sections.splice(1, 0, section);
        const changed = setApplicationProperties(encode(...sections), [["new", types.wrap_int(7)]]);
        const kept = hasSection ? entries : {};
        const expected = sectionOf(
          "applicationProperties",
          mapOf({ ...kept, new: types.wrap_int(7) }),
        );
        expect(changed).toEqual(
          encode(sections[0] ?? types.Null(), expected, sectionOf("value", body)),
        );
      }),
    );
  });

  it("takes a batch apart into the messages it holds", () => {
    const one = (id: string) =>
      encode(sectionOf("properties", types.wrap_list([types.wrap_string(id)])));
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (ids) => {
        const data = ids.map((id) => sectionOf("data", types.wrap_binary(one(id))));
        const messages = readTransfer(encode(...data), BATCH_FORMAT);
        expect(messages.map(({ messageId }) => messageId)).toEqual(ids);
      }),
    );
  });

  it("names a message that has no id, and leaves its other properties alone", () => {
    const none = types.Null();
    const fields = [none, none, types.wrap_string("to"), types.wrap_string("subject")];
    for (const list of [fields, [], fields.slice(0, 1)]) {
      const body = sectionOf("value", types.wrap_string("b"));
      const { messageId, content } = readMessage(
        encode(sectionOf("properties", types.wrap_list(list)), body),
      );
      expect(messageId).toMatch(/^[0-9a-f]{32}$/);
      const named = [types.wrap_string(messageId), ...list.slice(1)];
      const [section] = readSections(content.tail);
      const written = decode(content.tail.subarray(section?.valueStart, section?.end));
      expect(encode(written)).toEqual(encode(types.wrap_list(named)));
      expect(content.tail.subarray(section?.end)).toEqual(encode(body));
    }
    expect(readMessage(Buffer.alloc(0)).messageId).toMatch(/^[0-9a-f]{32}$/);
  });

  it("refuses bytes that are no message, instead of reading past their end", () => {
    fc.assert(
      fc.property(bytes(64), (noise) => {
        try {
          readMessage(noise);
        } catch (error) {
          expect(error).toMatchObject({ condition: "amqp:decode-error" });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
