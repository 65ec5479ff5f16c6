import * as z from "zod";
import type { Parsed } from "./host-json.ts";

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const connectionString = z.union([
  z.string(),
  z.strictObject({ ConnectionString: z.string(), ProviderName: z.string().optional() }),
]);

const schema = z.strictObject({
  // Core Tools takes a missing IsEncrypted for true and then cannot read the values.
  IsEncrypted: z.literal(false, {
    error: "must be there and false: encrypted settings are not emulated",
  }),
  Values: z.record(z.string(), scalar).default({}),
  ConnectionStrings: z.record(z.string(), connectionString).default({}),
  Host: z
    .strictObject({
      LocalHttpPort: z.number().int().min(1).max(65_535).optional(),
      CORS: z.string().optional(),
      CORSCredentials: z.boolean().default(false),
    })
    .prefault({}),
});

/** local.settings.json: app settings, and how the local host listens. */
export interface LocalSettings {
  values: Readonly<Record<string, string>>;
  localHttpPort: number | undefined;
  cors: { origins: readonly string[]; credentials: boolean };
}

/** What stands in for an absent local.settings.json. */
export const NO_LOCAL_SETTINGS: LocalSettings = {
  values: {},
  localHttpPort: undefined,
  cors: { origins: [], credentials: false },
};

/** Reads local.settings.json; names every problem at once. */
export function parseLocalSettings(document: unknown): Parsed<LocalSettings> {
  const result = schema.safeParse(document);
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue) => {
      const path = issue.path.map(String).join(".");
      if (issue.code !== "unrecognized_keys") return [line(path, issue.message)];
      return issue.keys.map((key) => line(path ? `${path}.${key}` : key, "unknown setting"));
    });
    return { value: NO_LOCAL_SETTINGS, problems };
  }
  const { Values, ConnectionStrings, Host } = result.data;
  const origins =
    Host.CORS?.split(",")
      .map((origin) => origin.trim())
      .filter(Boolean) ?? [];
  return {
    value: {
      values: { ...texts(Values), ...connections(ConnectionStrings) },
      localHttpPort: Host.LocalHttpPort,
      cors: { origins, credentials: Host.CORSCredentials },
    },
    problems: [],
  };
}

const line = (path: string, message: string): string =>
  `local.settings.json: ${path ? `${path}: ` : ""}${message}`;

// Core Tools skips nulls and empty names, but sets empty values.
function texts(values: Record<string, z.infer<typeof scalar>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name, value]) => name !== "" && value !== null)
      .map(([name, value]) => [name, String(value)]),
  );
}

function connections(
  entries: Record<string, z.infer<typeof connectionString>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => [
      `ConnectionStrings:${name}`,
      typeof entry === "string" ? entry : entry.ConnectionString,
    ]),
  );
}
