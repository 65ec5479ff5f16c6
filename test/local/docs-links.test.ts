import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
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
