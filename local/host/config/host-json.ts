import { type HostConfig, hostSchema } from "./host-schema.ts";

/** A parsed document, or every reason why it cannot be used. */
export type Parsed<T> = { value: T; problems: readonly string[] };

const OVERRIDE = /^AzureFunctionsJobHost(?:__|:)(.+)$/i;

/** Reads host.json with the overrides that the environment holds; names every problem at once. */
export function parseHostJson(
  document: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): Parsed<HostConfig | undefined> {
  if (!isRecord(document)) return { value: undefined, problems: ["host.json: expected an object"] };
  const merged = structuredClone(document);
  for (const [name, value] of Object.entries(environment)) {
    const path = OVERRIDE.exec(name)?.[1];
    if (path && value !== undefined) override(merged, path.split(/__|:/), value);
  }
  const result = hostSchema.safeParse(merged);
  if (!result.success) return { value: undefined, problems: result.error.issues.flatMap(describe) };
  return { value: result.data, problems: notEmulated(result.data) };
}

// Configuration keys have no case on the platform: an override meets the key as host.json wrote it.
function override(target: Record<string, unknown>, path: readonly string[], value: string): void {
  const [head = "", ...rest] = path;
  const key = Object.keys(target).find((name) => name.toLowerCase() === head.toLowerCase()) ?? head;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const child = target[key];
  const next = isRecord(child) ? child : {};
  target[key] = next;
  override(next, rest, value);
}

function describe(issue: { path: PropertyKey[]; message: string; code?: string }): string[] {
  const at = ["host.json", ...issue.path.map(String)]
    .join(".")
    .replace("host.json.", "host.json: ");
  const keys = "keys" in issue && Array.isArray(issue.keys) ? issue.keys : undefined;
  if (!keys) return [`${at}: ${issue.message}`];
  const prefix = issue.path.length > 0 ? `${at}.` : "host.json: ";
  return keys.map((key) => `${prefix}${String(key)}: unknown setting`);
}

function notEmulated({ extensions: { http } }: HostConfig): string[] {
  const problems: string[] = [];
  if (http.maxConcurrentRequests !== undefined && http.maxConcurrentRequests !== -1) {
    problems.push(
      "host.json: extensions.http.maxConcurrentRequests: not emulated by the local host",
    );
  }
  if (http.dynamicThrottlesEnabled) {
    problems.push(
      "host.json: extensions.http.dynamicThrottlesEnabled: not emulated by the local host",
    );
  }
  return problems;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
