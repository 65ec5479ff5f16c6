import { describe, expect, it } from "vitest";
import { parseBackends } from "../../local/simulate/backend-model.ts";
import { parseAsyncAccess, parseProfiles } from "../../shared/identity/index.ts";
import { readSubmission } from "../../shared/messaging/index.ts";
import { blocksOf, DOCUMENTS } from "../support/document-blocks.ts";

const blocksIn = (document: string, language: string): string[] =>
  blocksOf(document)
    .filter((block) => block.language === language && block.kind !== "output")
    .map(({ text }) => text);

describe.each(DOCUMENTS)("the JSON in %s", (document) => {
  it("is JSON", () => {
    for (const text of blocksIn(document, "json")) {
      // One value, or one a line.
      const values = /^\{.*\}\n\{/.test(text) ? text.trim().split("\n") : [text];
      for (const value of values) expect(() => JSON.parse(value), value).not.toThrow();
    }
  });
});

describe("the examples", () => {
  it("of profiles are read without a word", () => {
    const [text = ""] = blocksIn("docs/policy-documents.md", "json");
    const parsed = parseProfiles(text);
    expect(parsed).toMatchObject({ ok: true, warnings: [] });
  });

  it("of models of backends are read", () => {
    const [text = ""] = blocksIn("docs/simulate.md", "json");
    expect(Object.keys(parseBackends(JSON.parse(text), "the example"))).toEqual(["Host1", "Host2"]);
  });

  it("of a submission is one", () => {
    const [text = ""] = blocksIn("docs/bus-input.md", "ts");
    const [, source = "{}"] = /body: (\{[\s\S]*\}),\n\}\);/.exec(text) ?? [];
    const body: unknown = new Function("messages", `return ${source}`)([]);
    expect(readSubmission(body)).toMatchObject({ id: "order-4711", user: "alice" });
  });

  it("of webhooks allows them", () => {
    const [text = ""] = blocksIn("docs/job-events.md", "").filter((block) =>
      /^enabled=/.test(block),
    );
    expect(parseAsyncAccess(text.replaceAll("\n", " "))).toMatchObject({
      access: { enabled: true, webhooks: { secret: "red" } },
      warnings: [],
    });
  });
});
