import type { RouteSegment } from "./route-template.ts";

const LITERAL = 0;
const MIXED = 1;
const PARAMETER = 2;
const CATCH_ALL = 3;

/**
 * Orders templates as the platform's router tries them: at the first difference a literal comes
 * before a parameter, more constraints before fewer; of two that begin alike the longer comes first.
 */
export function compareTemplates(a: readonly RouteSegment[], b: readonly RouteSegment[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const difference = compareSegments(a[index] ?? [], b[index] ?? []);
    if (difference !== 0) return difference;
  }
  return b.length - a.length;
}

function compareSegments(a: RouteSegment, b: RouteSegment): number {
  const [kindA, kindB] = [kindOf(a), kindOf(b)];
  if (kindA !== kindB) return kindA - kindB;
  if (kindA === LITERAL) return textOf(a).localeCompare(textOf(b));
  return constraintCount(b) - constraintCount(a);
}

function kindOf(segment: RouteSegment): number {
  const [first] = segment;
  if (segment.length > 1) return MIXED;
  if (first?.kind === "literal") return LITERAL;
  return first?.isCatchAll ? CATCH_ALL : PARAMETER;
}

function textOf(segment: RouteSegment): string {
  return segment.map((part) => (part.kind === "literal" ? part.text.toLowerCase() : "")).join("");
}

function constraintCount(segment: RouteSegment): number {
  return segment.reduce(
    (count, part) => count + (part.kind === "parameter" ? part.constraints.length : 0),
    0,
  );
}
