import { type Constraint, compileConstraint } from "./route-constraints.ts";

/** A `{parameter}` of a route. */
export interface RouteParameter {
  readonly kind: "parameter";
  readonly name: string;
  readonly constraints: readonly Constraint[];
  readonly isOptional: boolean;
  readonly isCatchAll: boolean;
  readonly defaultValue: string | undefined;
}

/** Fixed text of a route, compared without case. */
export interface RouteLiteral {
  readonly kind: "literal";
  readonly text: string;
}

export type RoutePart = RouteLiteral | RouteParameter;

/** What stands between two slashes: usually one part, several in `{name}.{ext}`. */
export type RouteSegment = readonly RoutePart[];

/** Parses a route such as `items/{id:int}/{*rest}`; throws an error that says what is wrong. */
export function parseRouteTemplate(template: string): RouteSegment[] {
  const trimmed = template.replace(/^~?\//, "").replace(/\/$/, "");
  if (trimmed === "") return [];
  const segments = splitOutsideBraces(trimmed).map(parseSegment);
  check(segments);
  return segments;
}

// A slash may stand inside a regular expression's braces, so splitting on every slash is wrong.
function splitOutsideBraces(template: string): string[] {
  const segments = [""];
  let depth = 0;
  for (let at = 0; at < template.length; at += 1) {
    const character = template[at] ?? "";
    const isDoubled = (character === "{" || character === "}") && template[at + 1] === character;
    if (isDoubled) at += 1;
    else if (character === "{") depth += 1;
    else if (character === "}") depth -= 1;
    if (depth < 0) throw new Error("a closing brace has no opening one");
    if (character === "/" && depth === 0) segments.push("");
    else segments[segments.length - 1] += isDoubled ? character + character : character;
  }
  if (depth !== 0) throw new Error("a brace is not closed");
  return segments;
}

const PART = /\{((?:\{\{|\}\}|[^{}])*)\}|((?:\{\{|\}\}|[^{}])+)/g;

function parseSegment(segment: string): RouteSegment {
  if (segment === "") throw new Error("two slashes follow each other");
  return [...segment.matchAll(PART)].map(([, parameter, literal]) =>
    parameter === undefined
      ? { kind: "literal", text: unescapeBraces(literal ?? "") }
      : parseParameter(unescapeBraces(parameter)),
  );
}

const unescapeBraces = (text: string): string => text.replaceAll("{{", "{").replaceAll("}}", "}");

function parseParameter(text: string): RouteParameter {
  const match = /^(\*{0,2})([^:=?*]+)(\?)?((?::[\s\S]+)?)$/.exec(text) ?? undefined;
  const [, stars = "", rawName = "", early = "", tail = ""] = match ?? [];
  const plain = /^(\*{0,2})([^:=?*]+)=([\s\S]*)$/.exec(text);
  if (plain) return parameter(plain[1] ?? "", plain[2] ?? "", { defaultValue: plain[3] ?? "" });
  if (!match) throw new Error(`"{${text}}" is not a route parameter`);
  const { constraints, isOptional, defaultValue } = parseTail(tail);
  return parameter(stars, rawName, {
    constraints,
    isOptional: early === "?" || isOptional,
    defaultValue,
  });
}

function parameter(
  stars: string,
  name: string,
  rest: { constraints?: Constraint[]; isOptional?: boolean; defaultValue?: string | undefined },
): RouteParameter {
  const { constraints = [], isOptional = false, defaultValue } = rest;
  const isCatchAll = stars !== "";
  return {
    kind: "parameter",
    name: name.trim(),
    constraints,
    isOptional,
    isCatchAll,
    defaultValue,
  };
}

// `:int:min(1)?` or `:int=5`; colons, `?` and `=` inside parentheses belong to the constraint.
function parseTail(tail: string): {
  constraints: Constraint[];
  isOptional: boolean;
  defaultValue: string | undefined;
} {
  const texts: string[] = [];
  let rest = tail;
  while (rest.startsWith(":")) {
    const match = /^:([a-z]+(?:\([\s\S]*?\)(?=[:?=]|$))?)/i.exec(rest);
    if (!match) throw new Error(`"${rest}" is not a route constraint`);
    texts.push(match[1] ?? "");
    rest = rest.slice(match[0].length);
  }
  const constraints = texts.map(compileConstraint);
  if (rest.startsWith("=")) return { constraints, isOptional: false, defaultValue: rest.slice(1) };
  if (rest !== "" && rest !== "?") throw new Error(`"${rest}" is not a route constraint`);
  return { constraints, isOptional: rest === "?", defaultValue: undefined };
}

function check(segments: readonly RouteSegment[]): void {
  const names = new Set<string>();
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1;
    for (const part of segment) {
      if (part.kind === "literal") continue;
      const name = part.name.toLowerCase();
      if (names.has(name)) throw new Error(`the parameter "${part.name}" appears twice`);
      names.add(name);
      if (part.isCatchAll && !(isLast && segment.length === 1)) {
        throw new Error(`the catch-all "${part.name}" must be a whole segment, the last one`);
      }
      if (part.isOptional && !isLast) {
        throw new Error(`the optional parameter "${part.name}" must be in the last segment`);
      }
    }
  });
}
