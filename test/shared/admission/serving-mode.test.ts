import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wantsStream } from "../../../shared/admission/index.ts";
import type { HeaderList } from "../../../shared/core/headers.ts";

describe("wantsStream", () => {
  const json: HeaderList = [["Content-Type", "application/json; charset=utf-8"]];
  const asks = (body: unknown, headers: HeaderList = json): boolean =>
    wantsStream(headers, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));

  it("sees `stream: true` at the top of a JSON body", () => {
    expect(asks({ model: "gpt", stream: true })).toBe(true);
    expect(asks('{"stream" : true}', [["content-type", "Application/JSON"]])).toBe(true);
  });

  it("sees a client that accepts events", () => {
    expect(wantsStream([["Accept", "Text/Event-Stream"]], undefined)).toBe(true);
  });

  it.each([
    ["says false", { stream: false }],
    ["says so in words", { stream: "true" }],
    ["has it further down", { tools: [{ stream: true }], metadata: { stream: true } }],
    ["only speaks of it", { messages: [{ content: 'set "stream": true please' }] }],
    ["is a list", [{ stream: true }]],
    ["is null", null],
    ["is no JSON", '{"stream": true'],
    ["is empty", ""],
  ])("is not misled by a body that %s", (_, body) => {
    expect(asks(body)).toBe(false);
  });

  it("does not look into other kinds of body", () => {
    expect(asks({ stream: true }, [["content-type", "text/plain"]])).toBe(false);
    expect(asks({ stream: true }, [])).toBe(false);
    expect(wantsStream(json, undefined)).toBe(false);
  });

  it("agrees with a parser on every JSON object", () => {
    const object = fc.dictionary(fc.constantFrom("stream", "a", "b"), fc.jsonValue());
    fc.assert(
      fc.property(object, (body) => {
        expect(asks(body)).toBe(body["stream"] === true);
      }),
    );
  });
});
