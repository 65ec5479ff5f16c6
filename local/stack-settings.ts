import { join, resolve } from "node:path";
import { z } from "zod";
import { StartError } from "./service.ts";

const ROOT = join(import.meta.dirname, "..");

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);

const schema = z.object({
  PORT: port(7071),
  LOCAL_DATA_DIR: z.string().default(".local"),
  LOCAL_BROKER_PORT: port(5672),
  LOCAL_STORAGE_PORT: port(10_000),
  LOCAL_STORAGE_TLS: z.stringbool().default(false),
  LOCAL_MODELS_PORT: port(9100),
  LOCAL_TOPICS: z.string().default(""),
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
  /** `node` runs our host, `func` Core Tools, `none` leaves the host to whoever starts one. */
  readonly host: "node" | "none" | "func";
}

/** Reads the stack's own variables; every problem is named at once. */
export function readStackSettings(env: NodeJS.ProcessEnv): StackSettings {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(present);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((i) => `- ${i.path.join(".")}: ${i.message}`);
    throw new StartError(`The local stack's settings cannot be used:\n${problems.join("\n")}`);
  }
  const { data } = parsed;
  return {
    appDir: ROOT,
    dataDir: resolve(ROOT, data.LOCAL_DATA_DIR),
    port: data.PORT,
    brokerPort: data.LOCAL_BROKER_PORT,
    storagePort: data.LOCAL_STORAGE_PORT,
    storageTls: data.LOCAL_STORAGE_TLS,
    modelsPort: data.LOCAL_MODELS_PORT,
    topics: data.LOCAL_TOPICS,
    host: data.LOCAL_HOST,
  };
}
