import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDocument } from "../../support/document-blocks.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const PAGE = "docs/headers.md";
// One makes the names of events, the other is a client that runs in a browser.
const NOT_THE_GATEWAYS = /exporters[\\/]to-log-event\.ts$|operations-page[\\/]/;
// An encoding, and no header.
const NO_HEADER = new Set(["x-gzip"]);

const OF_STANDARDS = new Set(
  `accept accept-encoding allow api-key authorization azure-asyncoperation cache-control connection
  content-digest content-disposition content-encoding content-language content-length content-md5
  content-security-policy content-type cookie etag expect host idempotency-key idempotency-replayed
  if-match if-none-match keep-alive last-event-id location ocp-apim-subscription-key
  operation-location prefer preference-applied proxy-authenticate proxy-authorization
  proxy-connection range referrer-policy retry-after retry-after-ms server te tokenprocessor
  traceparent tracestate trailer transfer-encoding upgrade user-agent webhook-id webhook-signature
  webhook-timestamp www-authenticate`.split(/\s+/),
);

const sources = globSync("{shared,functions}/**/*.ts", { cwd: ROOT })
  .filter((path) => !NOT_THE_GATEWAYS.test(path))
  .map((path) => readFileSync(join(ROOT, path), "utf8"));

/** Literals that are names of headers by their looks, and all that a header is looked up by. */
function namesInCode(): Set<string> {
  const literals = sources.flatMap((text) => [
    ...[...text.matchAll(/["'`]([\w-]+)(?=["'`$])/g)]
      .map(([, name = ""]) => name.toLowerCase())
      .filter((name) => /^x-|^s7p/.test(name) || OF_STANDARDS.has(name)),
    ...[...text.matchAll(/headerValue\([^,()]+, "([^"]+)"\)/g)].map(([, name = ""]) =>
      name.toLowerCase(),
    ),
  ]);
  return new Set(literals.filter((name) => !NO_HEADER.has(name)));
}

interface Section {
  readonly title: string;
  readonly text: string;
}

const sections: Section[] = readDocument(PAGE)
  .split(/^## /m)
  .map((text) => ({ title: text.split("\n", 1).join(), text }));

const namesIn = (text: string): string[] =>
  [...text.matchAll(/`([\w*-]+)`/g)].map(([, name = ""]) => name.toLowerCase());

/** The names in the first cells of a section's tables. */
const listedIn = ({ text }: Section): string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => namesIn(line.split("|")[1] ?? ""));

const isOf = (title: string) => (section: Section) => section.title === title;
const OF_POLICIES = isOf("With API Management");
const OF_THE_ORIGINAL = isOf("Of the original, and not here");
const SETTINGS = new Set(["striprequestheaders"]);

describe("docs/headers.md", () => {
  const code = namesInCode();

  it("names every header that the code names", () => {
    const isNamed = new Set(
      sections.filter((s) => !OF_THE_ORIGINAL(s)).flatMap((s) => namesIn(s.text)),
    );
    const wildcards = [...isNamed].filter((name) => name.endsWith("*"));
    const missing = [...code].filter(
      (name) =>
        !isNamed.has(name) &&
        !wildcards.some(
          (wildcard) => name.startsWith(wildcard.slice(0, -1)) && name.endsWith("-"),
        ) &&
        !wildcards.includes(`${name}*`),
    );
    expect(missing).toEqual([]);
  });

  it("lists no header that the code does not name", () => {
    const listed = sections
      .filter((section) => !OF_POLICIES(section) && !OF_THE_ORIGINAL(section))
      .flatMap(listedIn)
      .filter((name) => !SETTINGS.has(name));
    const isInCode = (name: string): boolean =>
      code.has(name.replace(/\*$/, "")) ||
      (name.startsWith("x-ratelimit-") && code.has(name.replace(/\w+$/, ""))) ||
      name === "-tokens";
    expect(listed.length).toBeGreaterThan(60);
    expect(listed.filter((name) => !isInCode(name))).toEqual([]);
  });

  it("says truly what API Management adds", () => {
    const policies = globSync("infra/apim/{policies,fragments}/*.xml", { cwd: ROOT })
      .map((path) => readFileSync(join(ROOT, path), "utf8").toLowerCase())
      .join();
    const listed = sections.filter(OF_POLICIES).flatMap(listedIn);
    expect(listed.length).toBeGreaterThan(0);
    expect(listed.filter((name) => !policies.includes(name))).toEqual([]);
  });

  it("says truly what of the original is not here", () => {
    const listed = sections.filter(OF_THE_ORIGINAL).flatMap(listedIn);
    expect(listed.length).toBeGreaterThan(8);
    expect(listed.filter((name) => code.has(name))).toEqual([]);
  });
});
