/**
 * The registered name that `name` stands for, if any: the platform compares function names without
 * regard to case, and an entity's scheduler id holds its name in lower case.
 */
export function registeredName(names: ReadonlySet<string>, name: string): string | undefined {
  if (names.has(name)) return name;
  const wanted = name.toLowerCase();
  for (const candidate of names) if (candidate.toLowerCase() === wanted) return candidate;
  return undefined;
}

/** The platform's words for a function that is not registered. */
export function missingFunction(
  name: string,
  kind: "activity" | "orchestrator" | "entity",
): string {
  return `The function '${name}' doesn't exist, is disabled, or is not an ${kind} function.`;
}
