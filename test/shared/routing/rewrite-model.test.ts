import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rewriteModelInBody, rewriteModelInTarget } from "../../../shared/routing/index.ts";

const rewritten = (text: string, model = "new"): string =>
  Buffer.from(rewriteModelInBody(Buffer.from(text), model)).toString();

describe("rewriteModelInBody", () => {
  it.each([
    ['{"model":"old"}', '{"model":"new"}'],
    [
      '{ "a": [{"model":"x"}],\r\n "model" :\t"o\\"ld" , "n": 1.0 }',
      '{ "a": [{"model":"x"}],\r\n "model" :\t"new" , "n": 1.0 }',
    ],
    [
      '{"messages":[{"content":"\\"model\\":\\"old\\""}],"model":"old"}',
      '{"messages":[{"content":"\\"model\\":\\"old\\""}],"model":"new"}',
    ],
    ['{"mod\\u0065l":"old","x":"model"}', '{"mod\\u0065l":"new","x":"model"}'],
    ['{"model":"a","model":"b"}', '{"model":"new","model":"new"}'],
    ['{"é":"ü","model":"ö"}', '{"é":"ü","model":"new"}'],
  ])("replaces the top level's model in %s, and no other byte", (text, expected) => {
    expect(rewritten(text)).toBe(expected);
  });

  it.each([
    "",
    "model",
    '["model","old"]',
    '{"a":{"model":"x"}}',
    '{"model":5}',
    '{"model":null}',
    '{"x":"model"}',
    '{"model":"old"',
    '{"model":"ol',
  ])("leaves %s as it is", (text) => {
    const body = Buffer.from(text);
    expect(rewriteModelInBody(body, "new")).toBe(body);
  });

  it("means what the body meant but for the model, whatever the body and the names", () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), value),
        fc.string(),
        fc.string(),
        (rest, old, name) => {
          const body = { ...rest, model: old, tail: [{ model: old }] };
          const spaces = name.length % 3;
          const result = JSON.parse(rewritten(JSON.stringify(body, null, spaces), name));
          expect(result).toEqual(JSON.parse(JSON.stringify({ ...body, model: name })));
        },
      ),
    );
  });

  it("never throws, and leaves bytes that are no JSON object alone", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        rewriteModelInBody(bytes, "new");
        if (bytes[0] !== 0x7b) expect(rewriteModelInBody(bytes, "new")).toBe(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe("rewriteModelInTarget", () => {
  it.each([
    ["/openai/deployments/gpt-4o/chat?api-version=1", "/openai/deployments/new/chat?api-version=1"],
    ["/deployments/x", "/deployments/new"],
    ["/Deployments/a%2Fb/deployments/c", "/Deployments/new/deployments/c"],
    ["/v1/chat?path=/deployments/x", "/v1/chat?path=/deployments/x"],
    ["/deployments/x?a=1?b=2", "/deployments/new?a=1?b=2"],
    ["/deployments", "/deployments"],
  ])("makes of %s the target %s", (target, expected) => {
    expect(rewriteModelInTarget(target, "new")).toBe(expected);
  });

  it("escapes a name that is no segment", () => {
    expect(rewriteModelInTarget("/deployments/x/y", "a/b $&")).toBe(
      "/deployments/a%2Fb%20%24%26/y",
    );
  });
});
