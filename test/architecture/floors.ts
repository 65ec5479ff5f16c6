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
const BELOW_ADAPTERS = [...GROUND, "shared/connections"];
const POLICY = [
  "shared/identity",
  "shared/admission",
  "shared/scheduling",
  "shared/routing",
  "shared/limits",
  "shared/usage",
];
const ADAPTERS = [
  "shared/backends",
  "shared/messaging",
  "shared/storage",
  "shared/documents",
  "shared/webhooks",
];

const POLICY_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "shared/identity": ["jose"],
};

const policyRoom = (room: string): Floor => ({
  room,
  rooms: GROUND,
  packages: POLICY_PACKAGES[room] ?? [],
});

/** An import goes down only. The most specific room that matches a file is the one that rules it. */
export const FLOORS: readonly Floor[] = [
  { room: "shared/core", rooms: [], packages: [] },
  { room: "shared/config", rooms: ["shared/core", "infra"], packages: ["zod"] },
  { room: "shared/telemetry", rooms: ["shared/core", "shared/config"], packages: [] },
  ...POLICY.map(policyRoom),
  // A job keeps what its request claimed, and what its answer used.
  { room: "shared/jobs", rooms: [...GROUND, "shared/limits", "shared/usage"], packages: [] },
  // Cuts texts into tokens, in a thread of its own.
  { room: "shared/tokens", rooms: GROUND, packages: ["gpt-tokenizer"] },
  {
    // Counts what answers used; the table and the queue behind it are handed in.
    room: "shared/ledger",
    rooms: [...GROUND, "shared/usage"],
    packages: ["zod"],
  },
  // What the gateway's own API says: the schemas, and the document that is made of them.
  { room: "shared/api", rooms: GROUND, packages: ["zod"] },
  {
    // What every adapter opens the same way; the only room that knows how the app proves who it is.
    room: "shared/connections",
    rooms: GROUND,
    packages: ["@azure/data-tables", "@azure/identity"],
  },
  { room: "shared/backends", rooms: BELOW_ADAPTERS, packages: ["undici"] },
  {
    room: "shared/messaging",
    rooms: BELOW_ADAPTERS,
    packages: ["@azure/service-bus", "zod"],
  },
  {
    // Calls to receivers whom callers name: with address checks that no backend needs.
    room: "shared/webhooks",
    rooms: GROUND,
    packages: ["undici", "ipaddr.js", "zod"],
  },
  {
    room: "shared/storage",
    rooms: BELOW_ADAPTERS,
    packages: ["@azure/storage-blob", "@azure/storage-queue", "@azure/data-tables"],
  },
  {
    room: "shared/documents",
    rooms: BELOW_ADAPTERS,
    packages: ["@azure/app-configuration", "@azure/data-tables"],
  },
  {
    // Where telemetry goes: everything here is loaded on first use, and only where it is configured.
    room: "shared/exporters",
    rooms: BELOW_ADAPTERS,
    packages: [
      "@azure/event-hubs",
      "@azure/monitor-opentelemetry-exporter",
      "@opentelemetry/api",
      "@opentelemetry/exporter-metrics-otlp-http",
      "@opentelemetry/exporter-prometheus",
      "@opentelemetry/exporter-trace-otlp-http",
      "@opentelemetry/resources",
      "@opentelemetry/sdk-metrics",
      "@opentelemetry/sdk-trace-base",
    ],
  },
  {
    room: "shared/gateway",
    rooms: [
      ...GROUND,
      ...POLICY,
      "shared/jobs",
      "shared/ledger",
      "shared/tokens",
      ...ADAPTERS,
      "shared/api",
    ],
    packages: [],
  },
  // The operator's page runs in browsers: it knows the gateway by its answers alone.
  { room: "functions/operations-page", rooms: [], packages: ["esbuild"] },
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
      "fflate",
      "zod",
      "openai",
      "selfsigned",
      "@azure/identity",
      "@azure/service-bus",
      "@azure/storage-queue",
    ],
  },
  {
    // It runs the product itself, in virtual time and against modelled backends; the stack does not.
    room: "local/simulate",
    rooms: ["shared", "local/replay", "local/command-line.ts", "local/service.ts"],
    packages: ["zod"],
  },
  {
    room: "test",
    rooms: [
      "shared",
      "functions",
      "local",
      "infra",
      "esbuild.config.ts",
      "package.json",
      "package-lock.json",
    ],
    packages: [
      "vitest",
      "gpt-tokenizer",
      "fast-check",
      "jose",
      "fast-xml-parser",
      "playwright-core",
      "ajv",
      "ajv-formats",
      "esbuild",
      "fflate",
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
      "standardwebhooks",
      "yaml",
    ],
  },
];

/**
 * The floors within the gateway, from the ground up: a file may import what stands on its own floor and on
 * those below. `services.ts`, which every floor may enter, names by type alone what they give each other.
 */
export const GATEWAY_FLOORS: readonly (readonly string[])[] = [
  [
    "end-reasons.ts",
    "fetch-json.ts",
    "forwarded-headers.ts",
    "instance-rows.ts",
    "policy-documents.ts",
    "policy.ts",
    "in-force.ts",
    "read-request-body.ts",
    "shared-body.ts",
    "detached-work.ts",
  ],
  ["operators"],
  ["calls"],
  // A request that is let in: who calls, and all that serving it needs.
  ["entry"],
  ["usage"],
  ["lanes"],
  ["results"],
  ["jobs"],
  ["job-events"],
  ["batches"],
  ["promotion"],
  ["serving"],
  ["idempotency"],
  ["dead-letters"],
  ["open-jobs.ts", "create-services.ts"],
  ["own-resources.ts", "refuse-web-socket.ts", "handle-request.ts", "index.ts"],
];

/** Orchestrators are fenced off: determinism is a place. */
export const ORCHESTRATOR_IMPORTS = ["shared/jobs", "durable-functions"];
