import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { XMLValidator } from "fast-xml-parser";
import { describe, expect, it } from "vitest";
import { parseExpression } from "./parse-expression.ts";
import {
  APIM_FOLDER,
  allElements,
  expressionIn,
  type PolicyElement,
  readPolicy,
} from "./read-policy.ts";

type Section = "inbound" | "backend" | "outbound" | "on-error";

const EVERYWHERE: readonly Section[] = ["inbound", "backend", "outbound", "on-error"];

interface Rule {
  readonly sections: readonly Section[];
  readonly required: readonly string[];
  readonly optional?: readonly string[];
}

const POLICIES: Readonly<Record<string, Rule>> = rules();

/** https://learn.microsoft.com/azure/api-management/api-management-policies: where a policy may stand, and what it takes. */
function rules(): Readonly<Record<string, Rule>> {
  const everywhere = { sections: EVERYWHERE };
  return {
    base: { ...everywhere, required: [] },
    "include-fragment": { ...everywhere, required: ["fragment-id"] },
    "set-variable": { ...everywhere, required: ["name", "value"] },
    "set-header": {
      ...everywhere,
      required: ["name", "exists-action"],
    },
    "set-backend-service": { sections: ["inbound", "backend"], required: ["base-url"] },
    choose: { ...everywhere, required: [] },
    retry: {
      ...everywhere,
      required: ["condition", "count", "interval"],
      optional: ["first-fast-retry"],
    },
    "limit-concurrency": { ...everywhere, required: ["key", "max-count"] },
    "forward-request": {
      sections: ["backend"],
      required: ["timeout", "buffer-response", "fail-on-error-status-code"],
      optional: ["buffer-request-body"],
    },
    "send-request": {
      ...everywhere,
      required: ["mode", "response-variable-name", "timeout", "ignore-error"],
    },
    "return-response": {
      ...everywhere,
      required: [],
      optional: ["response-variable-name"],
    },
    "cache-lookup-value": {
      ...everywhere,
      required: ["key", "default-value", "variable-name"],
    },
    "cache-store-value": { ...everywhere, required: ["key", "value", "duration"] },
    "validate-azure-ad-token": {
      sections: ["inbound"],
      required: ["tenant-id", "output-token-variable-name"],
    },
    "authentication-managed-identity": {
      sections: ["inbound"],
      required: ["resource", "output-token-variable-name"],
    },
    "llm-emit-token-metric": {
      sections: ["inbound"],
      required: ["namespace"],
    },
  };
}

const xml = (folder: string) =>
  readdirSync(join(APIM_FOLDER, folder)).map((file) => `${folder}/${file}`);
const policies = xml("policies");
const fragments = xml("fragments");

describe.each([...policies, ...fragments])("%s", (path) => {
  const root = readPolicy(path);

  it("is strict XML", () => {
    const text = readFileSync(join(APIM_FOLDER, path), "utf8");
    expect(XMLValidator.validate(text)).toBe(true);
    // What the validator lets pass, and API Management does not.
    const markup = text.replaceAll(/<!--.*?-->/gs, "");
    expect(markup.match(/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);).*/gi)).toBeNull();
    const values = [...markup.matchAll(/[\w-]+=(?:"([^"]*)"|'([^']*)')/g)];
    expect(values.filter(([, double, single]) => (double ?? single)?.includes("<"))).toEqual([]);
  });

  it("has only expressions of the subset that is tried out", () => {
    for (const text of textsOf(root)) {
      if (!text.startsWith("@")) continue;
      const expression = expressionIn(text);
      expect(expression, text).toBeDefined();
      expect(() => parseExpression(expression ?? ""), text).not.toThrow();
    }
  });

  it("keeps no secret", () => {
    expect(textsOf(root).join("\n")).not.toMatch(
      /(api-key|secret|password|sig)=|Bearer [\w-]{20}/i,
    );
  });
});

describe.each(policies)("%s", (path) => {
  const root = readPolicy(path);

  it("has the four sections, each with the policies of the scope above", () => {
    expect(root.name).toBe("policies");
    expect(root.children.map(({ name }) => name)).toEqual(EVERYWHERE);
    for (const section of ["inbound", "outbound", "on-error"]) {
      const first = root.children.find(({ name }) => name === section)?.children[0];
      expect(first?.name).toBe("base");
    }
  });

  it("has every policy where it may stand, with what it needs and nothing else", () => {
    for (const section of root.children) {
      for (const policy of policiesIn(section)) check(policy, section.name as Section);
    }
  });

  it("has in its backend one policy, as that section takes no more", () => {
    const backend = root.children.find(({ name }) => name === "backend");
    expect(backend?.children).toHaveLength(1);
  });

  it("lets answers through as they come: nothing reads or keeps a body", () => {
    const forwards = allElements(root).filter(({ name }) => name === "forward-request");
    for (const { attributes } of forwards) expect(attributes["buffer-response"]).toBe("false");
    const outbound = root.children.filter(({ name }) => name !== "inbound").flatMap(allElements);
    const source = outbound.flatMap(textsOf).join("\n");
    expect(source).not.toContain("Response.Body");
    for (const buffering of [
      "validate-content",
      "find-and-replace",
      "cache-store",
      "log-to-eventhub",
    ]) {
      expect(outbound.map(({ name }) => name)).not.toContain(buffering);
    }
  });

  it("includes only fragments that there are", () => {
    const included = allElements(root).flatMap(({ attributes }) => attributes["fragment-id"] ?? []);
    for (const id of included) {
      expect(fragments).toContain(`fragments/${id.replace(/^gateway-/, "")}.xml`);
    }
  });
});

function check(policy: PolicyElement, section: Section): void {
  const rule = POLICIES[policy.name];
  expect(rule, `<${policy.name}> is known`).toBeDefined();
  expect(rule?.sections, `<${policy.name}> in ${section}`).toContain(section);
  const given = Object.keys(policy.attributes);
  expect(given, policy.name).toEqual(expect.arrayContaining([...(rule?.required ?? [])]));
  const allowed = [...(rule?.required ?? []), ...(rule?.optional ?? [])];
  expect(
    given.filter((name) => !allowed.includes(name)),
    policy.name,
  ).toEqual([]);
}

// They stand inside of a policy and are none.
const PARTS = new Set([
  "when",
  "otherwise",
  "value",
  "set-url",
  "dimension",
  "client-application-ids",
]);
PARTS.add("application-id").add("audiences").add("audience");
const RESPONSE_PARTS = new Set(["set-status", "set-header", "set-body"]);

/** The policies below an element; what a fragment has stands where the fragment is included. */
function policiesIn(parent: PolicyElement): readonly PolicyElement[] {
  return parent.children.flatMap((child) => {
    if (RESPONSE_PARTS.has(child.name) && parent.name === "return-response") return [];
    const fragment = child.attributes["fragment-id"]?.replace(/^gateway-/, "");
    if (fragment !== undefined)
      return [child, ...policiesIn(readPolicy(`fragments/${fragment}.xml`))];
    return PARTS.has(child.name) ? policiesIn(child) : [child, ...policiesIn(child)];
  });
}

function textsOf(root: PolicyElement): readonly string[] {
  return allElements(root).flatMap(({ attributes, text }) => [...Object.values(attributes), text]);
}
