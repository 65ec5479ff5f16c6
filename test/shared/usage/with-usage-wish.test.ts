import { describe, expect, it } from "vitest";
import { withUsageWish } from "../../../shared/usage/index.ts";

const wished = (body: string, target = "/v1/chat/completions"): string | undefined => {
  const changed = withUsageWish(target, Buffer.from(body));
  return changed && Buffer.from(changed).toString();
};

describe("withUsageWish", () => {
  it("puts the wish in front and leaves every other byte as it was", () => {
    const body = ' {\n "stream" : true, "big": 12345678901234567890, "x": "ü\\u00fc" }\n';
    const wish = '"stream_options":{"include_usage":true},';
    expect(wished(body)).toBe(` {${wish}${body.slice(2)}`);
    expect(wished(body, "/openai/deployments/x/chat/completions?api-version=1")).toContain(wish);
    expect(wished(body, "/v1/completions")).toContain(wish);
  });

  it("adds the wish to options that lack it or say no", () => {
    expect(wished('{"stream":true,"stream_options":{"include_obfuscation":false},"a":1.0}')).toBe(
      '{"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true},"a":1.0}',
    );
    expect(wished('{"stream_options": {"include_usage": false}, "stream": true}')).toBe(
      '{"stream_options": {"include_usage":true}, "stream": true}',
    );
  });

  it.each([
    ["the client asked itself", '{"stream":true,"stream_options":{"include_usage":true}}'],
    ["it is no stream", '{"stream":false,"messages":[{"content":"\\"stream\\":true"}]}'],
    ["only a part of it says so", '{"x":{"stream":true},"messages":[]}'],
    ["the options stand twice", '{"stream":true,"stream_options":{},"stream_options":{"a":1}}'],
    ["the options are no object", '{"stream":true,"stream_options":null}'],
    ["it is no JSON", '{"stream":true,'],
    ["it is a list", '[{"stream":true}]'],
    ["it is empty", ""],
  ])("leaves a body alone where %s", (_what, body) => {
    expect(wished(body)).toBeUndefined();
  });

  it("leaves the options of a text alone that looks like them", () => {
    const message = JSON.stringify('"stream_options": {"include_usage": false}');
    expect(wished(`{"stream":true,"input":${message},"stream_options":{"a":1}}`)).toBe(
      `{"stream":true,"input":${message},"stream_options":{"a":1,"include_usage":true}}`,
    );
  });

  it.each(["/v1/responses", "/v1/messages", "/v1/embeddings", "/chat"])(
    "leaves a shape alone that tells its usage anyway: %s",
    (target) => {
      expect(wished('{"stream":true}', target)).toBeUndefined();
    },
  );
});
