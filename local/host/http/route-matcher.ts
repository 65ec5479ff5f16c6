import type { RouteParameter, RoutePart, RouteSegment } from "./route-template.ts";

/** Route parameters of a request, decoded, by name. */
export type RouteParams = Readonly<Record<string, string>>;

/** A request's path, split once for all routes; the parts are still percent-encoded. */
export interface RequestPath {
  readonly parts: readonly string[];
  /** A trailing slash is no segment, but a catch-all keeps it. */
  readonly hasTrailingSlash: boolean;
}

/** Tries one route; undefined when it does not match. */
export type RouteMatcher = (path: RequestPath) => RouteParams | undefined;

/** Splits the path of a request target. */
export function splitPath(path: string): RequestPath {
  const hasTrailingSlash = path.length > 1 && path.endsWith("/");
  const inner = path.slice(1, hasTrailingSlash ? -1 : undefined);
  return { parts: inner === "" ? [] : inner.split("/"), hasTrailingSlash };
}

/** Compiles a template into a matcher, so that a request costs comparisons only. */
export function compileMatcher(segments: readonly RouteSegment[]): RouteMatcher {
  const steps = segments.map(compileSegment);
  const last = segments.at(-1)?.[0];
  const catchAll = last?.kind === "parameter" && last.isCatchAll ? last : undefined;
  const fixed = catchAll ? steps.slice(0, -1) : steps;
  return (path) => {
    if (!catchAll && path.parts.length > fixed.length) return undefined;
    const params: Bound = {};
    for (const [index, step] of fixed.entries()) {
      if (!step(path.parts[index], params)) return undefined;
    }
    if (catchAll && !takeRest(catchAll, path, { from: fixed.length, params })) return undefined;
    return params;
  };
}

type Bound = Record<string, string>;
type Step = (part: string | undefined, params: Bound) => boolean;

function compileSegment(segment: RouteSegment): Step {
  const [only] = segment;
  if (segment.length > 1) return compileMixed(segment);
  if (only?.kind !== "parameter") {
    const text = (only?.text ?? "").toLowerCase();
    return (part) =>
      part !== undefined && (part === text || decodePart(part).toLowerCase() === text);
  }
  return (part, params) => bind(only, part === undefined ? undefined : decodePart(part), params);
}

function bind(parameter: RouteParameter, value: string | undefined, params: Bound): boolean {
  if (value === undefined || value === "") {
    if (parameter.defaultValue !== undefined) params[parameter.name] = parameter.defaultValue;
    return parameter.defaultValue !== undefined || (parameter.isOptional && value === undefined);
  }
  if (!parameter.constraints.every((holds) => holds(value))) return false;
  params[parameter.name] = value;
  return true;
}

// `{name}.{ext}`: the platform takes as much as it can for the earlier parameters.
function compileMixed(segment: RouteSegment): Step {
  const attempts = [segment, ...withoutOptionalTail(segment)].map((parts) => ({
    expression: new RegExp(`^${parts.map(pattern).join("")}$`, "i"),
    parameters: parts.filter((part) => part.kind === "parameter"),
  }));
  return (part, params) => {
    if (part === undefined) return false;
    const text = decodePart(part);
    for (const { expression, parameters } of attempts) {
      const values = expression.exec(text)?.slice(1);
      if (values) return parameters.every((parameter, at) => bind(parameter, values[at], params));
    }
    return false;
  };
}

// In `{name}.{ext?}` the dot goes with the optional extension.
function withoutOptionalTail(segment: RouteSegment): RouteSegment[] {
  const last = segment.at(-1);
  const dot = segment.at(-2);
  const isTail =
    last?.kind === "parameter" && last.isOptional && dot?.kind === "literal" && dot.text === ".";
  return isTail ? [segment.slice(0, -2)] : [];
}

const pattern = (part: RoutePart): string =>
  part.kind === "parameter" ? "(.+)" : part.text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function takeRest(
  parameter: RouteParameter,
  path: RequestPath,
  { from, params }: { from: number; params: Bound },
): boolean {
  const rest = path.parts.slice(from).map(decodePart).join("/");
  const value = rest !== "" && path.hasTrailingSlash ? `${rest}/` : rest;
  if (value === "") {
    // Nothing to capture: the parameter is omitted, unless the template has a default.
    if (parameter.defaultValue !== undefined) params[parameter.name] = parameter.defaultValue;
    return true;
  }
  if (!parameter.constraints.every((holds) => holds(value))) return false;
  params[parameter.name] = value;
  return true;
}

// ASP.NET decodes a path but leaves `%2F`, which would otherwise become a separator.
function decodePart(part: string): string {
  if (!part.includes("%")) return part;
  return part
    .split(/(%2f)/i)
    .map((piece) => (/^%2f$/i.test(piece) ? piece : decode(piece)))
    .join("");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
