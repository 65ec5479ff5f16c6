import { existsSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { OWN_RESOURCES } from "../../shared/gateway/own-resources.ts";
import { FLOORS } from "../architecture/floors.ts";
import { DOCUMENTS, readDocument } from "../support/document-blocks.ts";

const ROOT = join(import.meta.dirname, "..", "..");

const withoutCode = (text: string): string =>
  text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "").replaceAll(/`[^`\n]*`/g, "");

/** Where the links of a document lead, within the repository. */
function linksOf(document: string): { path: string; anchor: string }[] {
  const targets = [...withoutCode(readDocument(document)).matchAll(/\]\(([^)\s]+)\)/g)];
  return targets
    .map(([, target = ""]) => target)
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [path = "", anchor = ""] = target.split("#", 2);
      return { path: path === "" ? document : normalize(join(dirname(document), path)), anchor };
    });
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(document: string): string[] {
  const headings = [...readDocument(document).matchAll(/^#{1,6} (.+)$/gm)];
  return headings.map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

describe.each(DOCUMENTS)("the links of %s", (document) => {
  it("lead somewhere", () => {
    const dead = linksOf(document).filter(
      ({ path, anchor }) =>
        !existsSync(join(ROOT, path)) || (anchor !== "" && !anchorsOf(path).includes(anchor)),
    );
    expect(dead).toEqual([]);
  });
});

describe.each(DOCUMENTS)("the files that %s names", (document) => {
  it("are there", () => {
    const named = readDocument(document).matchAll(
      /`((?:shared|functions|local|infra|docs|test)\/[\w./-]+)`/g,
    );
    const isThere = (path: string): boolean => existsSync(join(ROOT, path));
    expect([...named].map(([, path = ""]) => path).filter((path) => !isThere(path))).toEqual([]);
  });
});

// Taken apart from the rest, because backends may have them, too.
const PROBES_AND_PAGES = ["health", "liveness", "readiness", "startup", "metrics"];
const METHODS_BY_ROUTE = new Map([
  ...PROBES_AND_PAGES.map((route) => [route, "GET"] as const),
  ...Object.entries(OWN_RESOURCES),
]);
const PARAMETER = /\{\w+\}|<[\w ]+>/g;
const IS_OWN =
  /^\/(?:jobs|usage|operations|openapi\.json|health|liveness|readiness|startup|metrics)\b/;

/** The calls of the gateway's own interface that a document names, without their queries. */
function callsIn(document: string): { method: string; path: string }[] {
  const text = readDocument(document);
  const spans = [...text.matchAll(/`(GET|POST|PATCH|DELETE|PUT) (\/[^\s`?]*)/g)];
  const addresses = [
    ...text.matchAll(/(?:azurewebsites\.net|127\.0\.0\.1:7071|\$GATEWAY)(\/[^\s`'"?]*)/g),
  ];
  return [
    ...spans.map(([, method = "", path = ""]) => ({ method, path })),
    ...addresses.map(([, path = ""]) => ({ method: "", path })),
  ].filter(({ path }) => IS_OWN.test(path));
}

describe.each(DOCUMENTS)("the calls that %s names", (document) => {
  it("are answered", () => {
    const shape = (path: string): string => path.replaceAll(PARAMETER, "*").replace(/^\//, "");
    const routes = [...METHODS_BY_ROUTE].map(([route, methods]) => ({
      pattern: new RegExp(`^${shape(route).replaceAll("*", "[^/]+")}$`),
      methods,
    }));
    const isAnswered = ({ method, path }: { method: string; path: string }): boolean =>
      routes.some(({ pattern, methods }) => pattern.test(shape(path)) && methods.includes(method));
    expect(callsIn(document).filter((call) => !isAnswered(call))).toEqual([]);
  });
});

describe("README.md", () => {
  const foldersIn = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);

  it.each(["shared", "local", "infra"])("names what is in %s", (folder) => {
    const [, tree = ""] =
      /^## The tree\n+```\n([\s\S]*?)```$/m.exec(readDocument("README.md")) ?? [];
    const missing = foldersIn(folder).filter((name) => !tree.includes(`${name}/`));
    expect(missing).toEqual([]);
  });
});

describe("docs/architecture.md", () => {
  it("has a place for every room", () => {
    const text = readDocument("docs/architecture.md");
    const rooms = FLOORS.flatMap(({ room }) => /^shared\/(\w+)$/.exec(room)?.[1] ?? []);
    expect(rooms.length).toBeGreaterThan(15);
    expect(rooms.filter((room) => !text.includes(`\`${room}\``))).toEqual([]);
  });
});

describe("the pages", () => {
  it("are all reached from README.md", () => {
    const reached = new Set(["README.md"]);
    for (const page of reached) {
      for (const { path } of page.endsWith(".md") ? linksOf(page) : []) reached.add(path);
    }
    const isDecision = (page: string): boolean => page.startsWith("docs/decisions/");
    expect(DOCUMENTS.filter((page) => !reached.has(page) && !isDecision(page))).toEqual([]);
  });
});
