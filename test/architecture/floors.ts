/** A room of the house and what its files may import: other rooms by path prefix, packages by name. */
export interface Floor {
  /** Path prefix of the room's files, from the repository root. */
  room: string;
  /** Path prefixes of the rooms below that it may enter, besides itself. */
  rooms: readonly string[];
  /** npm packages that it may use; `node:` built-ins are always allowed. */
  packages: readonly string[];
}

const GROUND = ["shared/core", "shared/config", "shared/telemetry"];
const POLICY = [
  "shared/identity",
  "shared/admission",
  "shared/scheduling",
  "shared/routing",
  "shared/jobs",
  "shared/limits",
  "shared/usage",
];
const ADAPTERS = ["shared/backends", "shared/messaging", "shared/storage", "shared/documents"];

const policyRoom = (room: string): Floor => ({ room, rooms: GROUND, packages: [] });

/** An import goes down only. The most specific room that matches a file is the one that rules it. */
export const FLOORS: readonly Floor[] = [
  { room: "shared/core", rooms: [], packages: [] },
  { room: "shared/config", rooms: ["shared/core", "infra"], packages: ["zod"] },
  { room: "shared/telemetry", rooms: ["shared/core", "shared/config"], packages: [] },
  ...POLICY.map(policyRoom),
  { room: "shared/backends", rooms: GROUND, packages: ["undici", "@azure/identity"] },
  {
    room: "shared/messaging",
    rooms: GROUND,
    packages: ["@azure/service-bus", "@azure/identity", "zod"],
  },
  {
    room: "shared/storage",
    rooms: GROUND,
    packages: [
      "@azure/storage-blob",
      "@azure/storage-queue",
      "@azure/data-tables",
      "@azure/identity",
    ],
  },
  {
    room: "shared/documents",
    rooms: GROUND,
    packages: ["@azure/app-configuration", "@azure/data-tables", "@azure/identity"],
  },
  { room: "shared/gateway", rooms: [...GROUND, ...POLICY, ...ADAPTERS], packages: [] },
  {
    room: "functions",
    rooms: ["shared"],
    packages: ["@azure/functions", "durable-functions"],
  },
  {
    // What the local stack may know of the product: words and settings, never its behaviour.
    room: "local",
    rooms: ["shared/core", "shared/config", "infra"],
    packages: [
      "rhea",
      "azurite",
      "croner",
      "zod",
      "openai",
      "@azure/identity",
      "@azure/service-bus",
      "@azure/storage-queue",
    ],
  },
  {
    room: "test",
    rooms: ["shared", "functions", "local", "infra", "esbuild.config.ts"],
    packages: [
      "vitest",
      "fast-check",
      "openai",
      "undici",
      "rhea",
      "zod",
      "@azure/functions",
      "@azure/service-bus",
      "@azure/storage-blob",
      "@azure/storage-queue",
      "@azure/data-tables",
      "durable-functions",
    ],
  },
];

/** Orchestrators are fenced off: determinism is a place. */
export const ORCHESTRATOR_IMPORTS = ["shared/jobs", "durable-functions"];
