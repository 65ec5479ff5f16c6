import { setting } from "./binding-expressions.ts";
import type { Environment } from "./environment.ts";

/** A connection by name: a whole connection string, or the parts that go with an identity. */
export type ConnectionSetting =
  | { connectionString: string }
  | { property(name: string): string | undefined };

/**
 * Finds a binding's connection: the setting of that name, with `AzureWebJobs` before it or without,
 * or a group of settings `NAME__property`.
 */
export function findConnection(
  environment: Environment,
  name: string,
): ConnectionSetting | undefined {
  for (const candidate of [`AzureWebJobs${name}`, name, `ConnectionStrings:${name}`]) {
    const connectionString = setting(environment, candidate);
    if (connectionString) return { connectionString };
  }
  for (const candidate of [`AzureWebJobs${name}`, name]) {
    const prefix = `${candidate}__`;
    if (Object.keys(environment).some((key) => key.startsWith(prefix))) {
      return { property: (property) => environment[`${prefix}${property}`] };
    }
  }
  return undefined;
}
