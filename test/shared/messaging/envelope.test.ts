import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  inlineBody,
  inlineBytes,
  readReplyEnvelope,
  readRequestEnvelope,
} from "../../../shared/messaging/envelope.ts";
import { PoisonMessageError, type RequestEnvelope } from "../../../shared/messaging/index.ts";
import { anyCharacter } from "../../support/any-character.ts";

const envelope: RequestEnvelope = {
  kind: "request",
  id: "request-1",
  userId: "ann",
  priority: 2,
  method: "POST",
  target: "/chat?x=%2F",
  headers: [
    ["X-A", "1"],
    ["x-a", "2"],
  ],
  body: { text: "hello" },
  receivedAt: 1,
  expiresAt: 2,
  attemptTimeoutMs: 3,
  attempt: 1,
  maxAttempts: 5,
  replySession: "gateway-1",
};

/** The same bytes as JSON carries them. */
const overTheWire = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

describe("an inline body", () => {
  it("comes back byte for byte, whatever it holds", () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: anyCharacter }).map((s) => Buffer.from(s)),
    );
    fc.assert(
      fc.property(bytes, (original) => {
        const body = overTheWire(inlineBody(original));
        const read = readRequestEnvelope({ ...envelope, body });
        const back = read.body && inlineBytes(read.body);
        expect(back?.equals(original)).toBe(true);
      }),
    );
  });

  it("travels as text where it is text, marks and control characters included", () => {
    const text = "\u{FEFF}gr\u00fc\u00df \u{1F600}\u0000\r\n";
    expect(inlineBody(Buffer.from(text))).toEqual({ text });
  });

  it("travels as base64 where it is none", () => {
    expect(inlineBody(new Uint8Array([0xff, 0xfe]))).toEqual({ base64: "//4=" });
  });

  it("is read as it lies in a larger buffer", () => {
    const view = new Uint8Array(Buffer.from("xxhelloxx")).subarray(2, 7);
    expect(inlineBody(view)).toEqual({ text: "hello" });
  });

  it("may be large and binary", () => {
    const bytes = Buffer.alloc(1_000_000, 0xff);
    const { body } = readRequestEnvelope({ ...envelope, body: inlineBody(bytes) });
    expect(body && inlineBytes(body)?.equals(bytes)).toBe(true);
  });

  it("has no bytes at hand when it is a claim check", () => {
    expect(inlineBytes({ blob: "requests/1", sizeBytes: 1 })).toBeUndefined();
  });
});

describe("a request envelope", () => {
  it.each<[string, (value: RequestEnvelope) => unknown]>([
    ["parsed by the worker", (value) => value],
    ["as text", (value) => JSON.stringify(value)],
    ["as a buffer", (value) => Buffer.from(JSON.stringify(value))],
    ["as plain bytes", (value) => new Uint8Array(Buffer.from(JSON.stringify(value)))],
  ])("is read %s", (_, toMessage) => {
    expect(readRequestEnvelope(toMessage(envelope))).toEqual(envelope);
  });

  it.each<[string, unknown]>([
    ["no JSON", "not json"],
    ["bytes that are no JSON", new Uint8Array([1, 2, 3])],
    ["nothing", undefined],
    ["null", null],
    ["an envelope without an id", { ...envelope, id: "" }],
    ["an envelope of another kind", { ...envelope, kind: "reply" }],
    ["an envelope with a field that it does not know", { ...envelope, colour: "red" }],
    ["a body in two forms", { ...envelope, body: { text: "a", base64: "YQ==" } }],
    ["base64 that is none", { ...envelope, body: { base64: "?" } }],
    ["a target that is no path", { ...envelope, target: "https://a.test/" }],
    ["a class that no lane has", { ...envelope, priority: 0 }],
    ["a header without a value", { ...envelope, headers: [["X-A"]] }],
  ])("is poison as %s", (_, message) => {
    expect(() => readRequestEnvelope(message)).toThrow(PoisonMessageError);
  });

  it("names what is wrong with it, and shows none of its values", () => {
    const message = { ...envelope, attempt: "secret-7f3a", headers: [["Authorization", 7]] };
    expect(() => readRequestEnvelope(message)).toThrow(/attempt[\s\S]*|headers[\s\S]*/);
    expect(() => readRequestEnvelope(message)).not.toThrow(/secret/);
  });
});

describe("a reply envelope", () => {
  const reply = { requestId: "request-1", status: 200, headers: [], body: { text: "hi" } };

  it("is read as it was written", () => {
    expect(readReplyEnvelope(overTheWire(reply))).toEqual(reply);
  });

  it.each([99, 600, 200.5])("is poison with the status %d", (status) => {
    expect(() => readReplyEnvelope({ ...reply, status })).toThrow(PoisonMessageError);
  });
});
