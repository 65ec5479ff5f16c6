import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { runBicep } from "./bicep-cli.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const INFRA = join(ROOT, "infra");
const SNAPSHOTS = join(ROOT, "test", "infra", "snapshots");

const HOSTS = JSON.stringify(["host=https://models.example;usemi=true"]);
const SHARED = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shared";
const inShared = (resource: string): string =>
  JSON.stringify([`${SHARED}/providers/${resource}/shared`]);

/** The deployments that are kept as the Bicep CLI expands them, by what azd's environment says. */
export const DEPLOYMENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  standard: { GATEWAY_SCENARIO: "standard", GATEWAY_HOSTS: HOSTS },
  /** With all that can be said besides. */
  performance: {
    GATEWAY_SCENARIO: "performance",
    GATEWAY_HOSTS: HOSTS,
    GATEWAY_AUDIENCES: '["api://gateway"]',
    GATEWAY_CALLER_APPLICATIONS: '["00000000-0000-0000-0000-000000000003"]',
    GATEWAY_TRUSTED_CALLERS: '["00000000-0000-0000-0000-000000000004"]',
    GATEWAY_MODEL_ACCOUNTS: inShared("Microsoft.CognitiveServices/accounts"),
    GATEWAY_KEY_VAULTS: inShared("Microsoft.KeyVault/vaults"),
    GATEWAY_SETTINGS: JSON.stringify({
      Workers: "64",
      OperatorKeys: "@Microsoft.KeyVault(VaultName=shared;SecretName=operators)",
    }),
    GATEWAY_UPDATE_STRATEGY: "RollingUpdate",
  },
  vnet: { GATEWAY_SCENARIO: "vnet", GATEWAY_HOSTS: HOSTS },
  government: {
    GATEWAY_SCENARIO: "vnet",
    GATEWAY_CLOUD: "AzureUSGovernment",
    GATEWAY_HOSTS: HOSTS,
  },
};

/** What API Management gets, in a service that is there already: a deployment by itself. */
export const API_MANAGEMENT = "apim";

const API_MANAGEMENT_ENV = {
  APIM_SERVICE: "service",
  GATEWAY_CLOUD: "AzureUSGovernment",
  APIM_CALLER: "caller",
  APIM_AUDIENCE: "api://callers",
  APIM_GATEWAY_AUDIENCE: "api://gateway",
  APIM_MODELS_AUDIENCE: "api://models",
  SERVICE_STREAM_URI: "https://stream.example",
  SERVICE_JOBS_URI: "https://jobs.example",
  SERVICE_STREAM_CLIENT_ID: "identity-of-stream",
  SERVICE_JOBS_CLIENT_ID: "identity-of-jobs",
};

/** Every deployment that is kept. */
export const SNAPSHOT_NAMES = [...Object.keys(DEPLOYMENTS), API_MANAGEMENT];

interface Source {
  /** Bicep's parameters, without their ending. */
  readonly parameters: string;
  readonly env: Readonly<Record<string, string>>;
  readonly place: readonly string[];
  readonly isMadeOf: (file: string) => boolean;
}

// What is made of the subscription's id, and of the place, becomes the same everywhere.
const PLACE = [
  ...["--subscription-id", "00000000-0000-0000-0000-000000000001"],
  ...["--tenant-id", "00000000-0000-0000-0000-000000000002"],
  ...["--location", "swedencentral", "--deployment-name", "gateway"],
];

function sourceOf(deployment: string): Source {
  if (deployment === API_MANAGEMENT) {
    return {
      parameters: "apim/apim",
      env: API_MANAGEMENT_ENV,
      place: [...PLACE, "--resource-group", "shared"],
      isMadeOf: (file) => /^(?:clouds\.json|apim\/.*\.(?:bicep|bicepparam|json|xml))$/.test(file),
    };
  }
  return {
    parameters: "main",
    env: DEPLOYMENTS[deployment] ?? {},
    place: PLACE,
    isMadeOf: (file) => /^(?!apim\/).*\.(?:bicep|bicepparam|json)$/.test(file),
  };
}

const resourceSchema = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  kind: z.string().optional(),
  sku: z.record(z.string(), z.unknown()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  identity: z.record(z.string(), z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
});
const snapshotSchema = z.object({
  /** Digest of what it was made of. */
  sources: z.string().default(""),
  outputs: z.record(z.string(), z.unknown()).default({}),
  predictedResources: z.array(resourceSchema),
});

/** A resource of a deployment, as the template asks for it. */
export type Resource = z.infer<typeof resourceSchema>;
export type Snapshot = z.infer<typeof snapshotSchema>;

/** The digest of everything that a deployment's templates are made of, whatever ends their lines. */
export function sourcesDigest(deployment: string): string {
  const { isMadeOf } = sourceOf(deployment);
  const hash = createHash("sha256");
  const names = readdirSync(INFRA, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter(isMadeOf)
    .filter((name) => !name.endsWith(".snapshot.json") && name !== "bicepconfig.json")
    .sort();
  for (const name of names) {
    hash.update(`${name}\n${readFileSync(join(INFRA, name), "utf8").replaceAll("\r\n", "\n")}\n`);
  }
  return hash.digest("hex");
}

const fileOf = (deployment: string): string => join(SNAPSHOTS, `${deployment}.json`);

/** A deployment as it was expanded last. */
export function readSnapshot(deployment: string): Snapshot {
  return snapshotSchema.parse(JSON.parse(readFileSync(fileOf(deployment), "utf8")));
}

/** The resources of one type in a deployment. */
export function resourcesOf(deployment: string, type: string): Resource[] {
  // Types differ in case by where they are defined.
  const wanted = type.toLowerCase();
  const { predictedResources } = readSnapshot(deployment);
  return predictedResources.filter((resource) => resource.type.toLowerCase() === wanted);
}

/** Expands a deployment with the Bicep CLI. */
export function takeSnapshot(cli: string, deployment: string): Snapshot {
  return { ...expand(cli, sourceOf(deployment)), sources: sourcesDigest(deployment) };
}

/** Expands the deployment that azd's environment describes; throws what the CLI finds wrong. */
export function expandDeployment(cli: string, env: Readonly<Record<string, string>>): Snapshot {
  return expand(cli, { parameters: "main", env, place: PLACE });
}

function expand(cli: string, { parameters, env, place }: Omit<Source, "isMadeOf">): Snapshot {
  const file = join(INFRA, `${parameters}.snapshot.json`);
  try {
    const args = ["snapshot", `${parameters}.bicepparam`, "--mode", "overwrite", ...place];
    const run = runBicep(cli, args, env);
    if (run.code !== 0) throw new Error(`The Bicep CLI failed:\n${run.diagnostics}`);
    return snapshotSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } finally {
    rmSync(file, { force: true });
  }
}

/** Keeps a deployment as it is now. */
export function writeSnapshot(deployment: string, snapshot: Snapshot): void {
  writeFileSync(fileOf(deployment), `${JSON.stringify(snapshot, null, 2)}\n`);
}
