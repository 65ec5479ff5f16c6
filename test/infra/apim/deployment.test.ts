import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { functionsOfRole } from "../../support/functions-of-role.ts";
import {
  API_MANAGEMENT,
  type Resource,
  readSnapshot,
  resourcesOf,
} from "../../support/infra-snapshot.ts";
import { APIM_FOLDER } from "./read-policy.ts";

const TYPE = "Microsoft.ApiManagement/service";
// https://learn.microsoft.com/azure/api-management/api-management-howto-properties: a value's length.
const MOST_VALUE_LENGTH = 4096;

const all = (type: string): Resource[] => resourcesOf(API_MANAGEMENT, `${TYPE}/${type}`);
const textOf = ({ properties }: Resource): string => String(properties["value"]);
const lastName = ({ name }: Resource): string => name.split("/").at(-1) ?? "";
const read = (path: string): string => readFileSync(join(APIM_FOLDER, path), "utf8");
const isPolicy = ({ type }: Resource): boolean => /\/(?:policies|policyFragments)$/.test(type);

/** The policy of an operation; the API's own where the operation has none. */
function policyOf(operation: Resource): string {
  const own = all("apis/operations/policies").find(({ name }) => name.startsWith(operation.name));
  const api = operation.name.split("/").slice(0, 2).join("/");
  const inherited = all("apis/policies").find(({ name }) => name === `${api}/policy`);
  return textOf(own ?? inherited ?? operation);
}

/** The operation that a call of the gateway's API matches: the longest of the templates that do. */
function operationFor(method: string, path: string): Resource | undefined {
  const length = ({ properties }: Resource) => String(properties["urlTemplate"]).length;
  return all("apis/operations")
    .filter(({ name }) => name.startsWith("service/llm-gateway/"))
    .filter(({ properties }) => properties["method"] === method)
    .filter(({ properties }) => matches(String(properties["urlTemplate"]), path))
    .sort((a, b) => length(b) - length(a))[0];
}

/** What a template ends with where it takes all the rest of a path. */
const REST = /(?:\{\*\w+\}|\*)$/;

const matches = (template: string, path: string): boolean =>
  REST.test(template) ? path.startsWith(template.replace(REST, "")) : template === path;

describe("the deployment of the policies", () => {
  it("has every policy and fragment as it is written, and no other", () => {
    const files = ["policies", "fragments"].flatMap((folder) =>
      readdirSync(join(APIM_FOLDER, folder)).map((file) => read(`${folder}/${file}`)),
    );
    const deployed = readSnapshot(API_MANAGEMENT).predictedResources.filter(isPolicy).map(textOf);
    expect(new Set(deployed)).toEqual(new Set(files));
  });

  it("gives every named value that a policy uses, and no other", () => {
    const texts = readSnapshot(API_MANAGEMENT).predictedResources.filter(isPolicy).map(textOf);
    const used = texts.flatMap((text) => [...text.matchAll(/\{\{([\w-]+)\}\}/g)]);
    const values = all("namedValues");
    expect(new Set(values.map(lastName))).toEqual(new Set(used.map(([, name]) => name)));
    for (const value of values) expect(textOf(value).length).toBeLessThan(MOST_VALUE_LENGTH);
  });

  it("sends to the jobs app whatever the gateway's job API serves", () => {
    const served = functionsOfRole("jobs")
      .flatMap(({ bindings }) => bindings)
      .filter(({ route }) => /^jobs\b/.test(route ?? ""));
    expect(served.length).toBeGreaterThan(5);
    for (const { route = "", methods = [] } of served) {
      const path = `/${route.replaceAll(/\{\w+\}/g, "x")}`;
      for (const method of methods) {
        const operation = operationFor(method, path);
        expect(operation && policyOf(operation), `${method} ${path}`).toBe(
          read("policies/read-job.xml"),
        );
      }
    }
  });

  it("sends to the stream app whatever is no job, and admits jobs below /async", () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      const operation = operationFor(method, "/v1/chat/completions");
      expect(operation && policyOf(operation)).toBe(read("policies/stream.xml"));
    }
    const submission = operationFor("POST", "/async/v1/chat/completions");
    expect(submission && policyOf(submission)).toBe(read("policies/submit-job.xml"));
  });

  it("has the models' API where the documents say that hosts point to, and asks for tokens of its cloud", () => {
    const [api] = all("apis").filter(({ name }) => name.endsWith("-models"));
    const page = readFileSync(join(APIM_FOLDER, "..", "..", "docs", "apim", "spilling.md"), "utf8");
    expect(page).toContain(`host=https://<service>.azure-api.net/${api?.properties["path"]};`);
    const audience = all("namedValues").find((value) => lastName(value) === "model-audience");
    expect(audience && textOf(audience)).toBe("https://cognitiveservices.azure.us");
  });

  it("serves https alone, holds no key, and makes no service of its own", () => {
    for (const { properties } of all("apis")) expect(properties["protocols"]).toEqual(["https"]);
    const { predictedResources, outputs } = readSnapshot(API_MANAGEMENT);
    expect(predictedResources.map(({ type }) => type)).not.toContain(TYPE);
    expect(JSON.stringify([predictedResources, outputs])).not.toMatch(
      /list(?:Keys|Secrets)|AccountKey=|SharedAccessKey=|"secret":true/i,
    );
  });
});
