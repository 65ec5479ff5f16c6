import { readFileSync } from "node:fs";
import { join } from "node:path";
import { XMLParser } from "fast-xml-parser";

/** An element of a policy document. */
export interface PolicyElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly PolicyElement[];
  readonly text: string;
}

export const APIM_FOLDER = join(import.meta.dirname, "..", "..", "..", "infra", "apim");

const ATTRIBUTES = ":@";
const TEXT = "#text";

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseAttributeValue: false,
  parseTagValue: false,
  trimValues: true,
  processEntities: true,
});

/** Reads a policy or fragment below infra/apim, with its named values filled in; strict XML only. */
export function readPolicy(
  path: string,
  namedValues: Readonly<Record<string, string>> = {},
): PolicyElement {
  const key = JSON.stringify([path, namedValues]);
  const known = READ.get(key) ?? read(path, namedValues);
  READ.set(key, known);
  return known;
}

const READ = new Map<string, PolicyElement>();

function read(path: string, namedValues: Readonly<Record<string, string>>): PolicyElement {
  const source = readFileSync(join(APIM_FOLDER, path), "utf8");
  const filled = source.replace(/\{\{([\w-]+)\}\}/g, (whole, name: string) => {
    return namedValues[name] ?? whole;
  });
  const [root] = (parser.parse(filled) as RawNode[])
    .filter((node) => !isComment(node))
    .map(element);
  if (!root) throw new Error(`${path} is empty.`);
  return root;
}

type RawNode = Readonly<Record<string, unknown>>;

const nameOf = (node: RawNode): string =>
  Object.keys(node).find((key) => key !== ATTRIBUTES) ?? TEXT;

const isComment = (node: RawNode): boolean => nameOf(node).startsWith("?");

function element(node: RawNode): PolicyElement {
  const name = nameOf(node);
  const content = (node[name] ?? []) as RawNode[];
  return {
    name,
    attributes: (node[ATTRIBUTES] ?? {}) as Record<string, string>,
    children: content.filter((child) => nameOf(child) !== TEXT).map(element),
    text: content
      .filter((child) => nameOf(child) === TEXT)
      .map((child) => String(child[TEXT]))
      .join(""),
  };
}

/** An element and all below it. */
export function allElements(root: PolicyElement): readonly PolicyElement[] {
  return [root, ...root.children.flatMap(allElements)];
}

/** The inside of `@(...)`, or undefined for plain text. */
export function expressionIn(text: string): string | undefined {
  return /^@\((.*)\)$/s.exec(text)?.[1];
}
