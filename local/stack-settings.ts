import { join, resolve } from "node:path";
import * as z from "zod";
import { PACKAGED_ROLES, type PackagedRole } from "./package/make-packages.ts";
import { StartError } from "./service.ts";

const ROOT = join(import.meta.dirname, "..");

const HIGHEST_PORT = 65_535;

const port = (fallback: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().max(HIGHEST_PORT)).default(fallback);

// What zod says of a value is for programmers; `got` is added to each.
const EXPECTED: Readonly<Record<string, string>> = {
  LOCAL_STORAGE_TLS: "true or false",
  LOCAL_ROLES: `roles, separated by commas: ${PACKAGED_ROLES.join(", ")}`,
  LOCAL_HOST: "one of node, none, func",
};

const schema = z.object({
  PORT: port(7071),
  LOCAL_DATA_DIR: z.string().default(".local"),
  LOCAL_BROKER_PORT: port(5672),
  LOCAL_STORAGE_PORT: port(10_000),
  LOCAL_STORAGE_TLS: z.stringbool().default(false),
  LOCAL_MODELS_PORT: port(9100),
  LOCAL_TOPICS: z.string().default(""),
  LOCAL_ROLES: z
    .string()
    .default("")
    .transform((text) => text.split(",").filter((role) => role !== ""))
    .pipe(z.array(z.enum(PACKAGED_ROLES))),
  LOCAL_PACKAGES: z.string().optional(),
  LOCAL_HOST: z.enum(["node", "none", "func"]).default("node"),
});

/** Where the parts of the stack listen and keep what they must remember. */
export interface StackSettings {
  /** The repository: the function app's folder. */
  readonly appDir: string;
  readonly dataDir: string;
  readonly port: number;
  readonly brokerPort: number;
  readonly storagePort: number;
  /** Storage over https, reached by identity as in Azure. */
  readonly storageTls: boolean;
  readonly modelsPort: number;
  /** Topics that the broker has besides, as `LOCAL_TOPICS` writes them. */
  readonly topics: string;
  /** The roles of several hosts, side by side; empty for one that does everything. */
  readonly roles: readonly PackagedRole[];
  /** Folder with the packages of the roles, unpacked; they are made where it is absent. */
  readonly packagesDir: string | undefined;
  /** `node` runs our host, `func` Core Tools, `none` leaves the host to whoever starts one. */
  readonly host: "node" | "none" | "func";
}

/** Reads the stack's own variables; every problem is named at once. */
export function readStackSettings(env: NodeJS.ProcessEnv): StackSettings {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(present);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map(({ path: [name] }) => String(name)));
    const problems = [...names].map((name) => {
      const expected = EXPECTED[name] ?? `a port from 0 to ${HIGHEST_PORT}`;
      return `- ${name}: expected ${expected}, got "${present[name]}"`;
    });
    throw new StartError(`The local stack's settings cannot be used:\n${problems.join("\n")}`);
  }
  const { data } = parsed;
  if (data.LOCAL_ROLES.length > 0 && data.LOCAL_HOST !== "node") {
    throw new StartError("LOCAL_ROLES needs the local host: leave LOCAL_HOST unset.");
  }
  return {
    appDir: ROOT,
    dataDir: resolve(ROOT, data.LOCAL_DATA_DIR),
    port: data.PORT,
    brokerPort: data.LOCAL_BROKER_PORT,
    storagePort: data.LOCAL_STORAGE_PORT,
    storageTls: data.LOCAL_STORAGE_TLS,
    modelsPort: data.LOCAL_MODELS_PORT,
    topics: data.LOCAL_TOPICS,
    roles: data.LOCAL_ROLES,
    packagesDir: data.LOCAL_PACKAGES === undefined ? undefined : resolve(ROOT, data.LOCAL_PACKAGES),
    host: data.LOCAL_HOST,
  };
}
