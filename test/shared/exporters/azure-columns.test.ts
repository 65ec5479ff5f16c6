import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { toReadableSpan } from "../../../shared/exporters/readable-span.ts";
import { toResourceMetrics } from "../../../shared/exporters/resource-metrics.ts";
import {
  exported,
  openAzureMetrics,
  openAzureSpans,
  openResource,
} from "../../../shared/exporters/targets.ts";
import {
  METRICS,
  type MetricReading,
  type TelemetryEvent,
} from "../../../shared/telemetry/index.ts";
import { TEST_CERTIFICATE } from "../../support/test-certificate.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const PLACE = { traceId: "a".repeat(32), spanId: "b".repeat(16), isSampled: true, startedAt: 1 };
const TOKENS = { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 1 };
const GEN_AI = {
  operation: "chat",
  provider: "openai",
  requestModel: "m",
  model: "m",
  tokens: TOKENS,
};
const REQUEST = {
  ...{
    event: "request.ended",
    level: "info",
    ...PLACE,
    ...GEN_AI,
    requestId: "r",
    kind: "request",
  },
  ...{ method: "POST", path: "/v1", user: "ann", group: "g", priority: 1, isAsync: false },
  ...{ status: 500, code: "internal", attempts: 1, backend: "Host1", waitMs: 1, processMs: 1 },
  ...{ totalMs: 2, firstByteMs: 1, isWhole: true, usage: "reported" },
};
const ATTEMPT = {
  ...{ event: "attempt.ended", level: "info", ...PLACE, ...GEN_AI, requestId: "r", attempt: 1 },
  ...{ backend: "Host1", tier: 1, tookMs: 1, totalMs: 2, status: 429, outcome: "throttled" },
  ...{ method: "POST", origin: "https://one.test", path: "/v1", isSpilled: true, isWhole: true },
  ...{ usage: "reported", responseId: "x" },
};
const MESSAGE = {
  ...{ event: "message.ended", level: "info", ...PLACE, messageId: "m", queue: "lane", tookMs: 1 },
  ...{ requestId: "r", isDone: true, deliveryCount: 1 },
};

interface Envelope {
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly properties?: Readonly<Record<string, string>>;
      readonly metrics?: readonly { readonly name: string; readonly max?: number }[];
    };
  };
}

const envelopes: Envelope[] = [];
let ingestion: Server;

beforeAll(async () => {
  vi.stubEnv("APPLICATION_INSIGHTS_NO_STATSBEAT", "true");
  // The exporter speaks TLS with whomever it is told of; this one's certificate is for tests.
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  ingestion = createServer(TEST_CERTIFICATE, (request, response) => {
    void received(request).then((count) => {
      const counts = { itemsReceived: count, itemsAccepted: count, errors: [] };
      response.setHeader("content-type", "application/json").end(JSON.stringify(counts));
    });
  });
  ingestion.listen(0, "127.0.0.1");
  await once(ingestion, "listening");
  await send(`https://127.0.0.1:${(ingestion.address() as AddressInfo).port}`);
});
afterAll(() => {
  vi.unstubAllEnvs();
  ingestion?.close();
  ingestion?.closeAllConnections();
});

async function received(request: IncomingMessage): Promise<number> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
  const found = read(text.toString());
  envelopes.push(...found);
  return found.length;
}

/** One envelope a line, or all as a list. */
const read = (text: string): Envelope[] =>
  text.startsWith("[")
    ? (JSON.parse(text) as Envelope[])
    : text.split("\n").map((line) => JSON.parse(line) as Envelope);

/** Everything that the gateway tells, by the exporters that Azure gets it from. */
async function send(origin: string): Promise<void> {
  const resource = await openResource({
    "service.name": "gateway",
    "service.instance.id": "one",
  });
  const ikey = "00000000-0000-0000-0000-000000000000";
  const connectionString = `InstrumentationKey=${ikey};IngestionEndpoint=${origin}/`;
  const settings = { connectionString, isByIdentity: false, clientId: undefined };
  const spans = await openAzureSpans(settings);
  const records = [REQUEST, ATTEMPT, MESSAGE].flatMap((record) => {
    const span = toReadableSpan(record as TelemetryEvent, { resource, usesLatestNames: false });
    return span ? [span] : [];
  });
  await exported(spans, records);
  const metrics = await openAzureMetrics(settings);
  const readings = Object.values(METRICS).map(readingOf);
  const period = { resource, from: 1, to: 2, temporality: metrics.temporality };
  await exported(metrics, toResourceMetrics(readings, period));
  await Promise.all([spans.shutdown(), metrics.shutdown()]);
}

function readingOf(definition: (typeof METRICS)[keyof typeof METRICS]): MetricReading {
  const attributes = Object.fromEntries(definition.attributes.map((name) => [name, "1"]));
  const bounds = "bounds" in definition ? definition.bounds : undefined;
  if (!bounds) return { definition, points: [{ attributes, value: 1 }] };
  const counts = [1, ...bounds.map(() => 0)];
  const value = { count: 1, sum: 1, min: 1, max: 1, bounds, counts };
  return { definition, points: [{ attributes, value }] };
}

// https://learn.microsoft.com/azure/azure-monitor/reference/tables/apprequests and its neighbours.
const COLUMNS = {
  AppMetrics: [
    "Name",
    "Sum",
    "Min",
    "Max",
    "ItemCount",
    "AppRoleInstance",
    "Properties",
    "TimeGenerated",
  ],
  AppRequests: [
    ...["Id", "ParentId", "OperationId", "Name", "DurationMs", "ResultCode", "Success"],
    ...["Properties", "TimeGenerated", "UserAuthenticatedId"],
  ],
} as const;
const TYPES = {
  AppMetrics: ["MetricData"],
  AppRequests: ["RequestData"],
  AppDependencies: ["RemoteDependencyData"],
} as const;

const kusto = [
  ...readdirSync(join(ROOT, "infra/queries")).map((file) => ({
    name: file,
    text: readFileSync(join(ROOT, "infra/queries", file), "utf8"),
  })),
  ...[
    ...readFileSync(join(ROOT, "docs/telemetry.md"), "utf8").matchAll(/```kusto\n([^`]*)```/g),
  ].map(([, text = ""], at) => ({ name: `docs/telemetry.md, ${at + 1}`, text })),
];

/** Of which tables a query is, and what it takes for names of metrics, of properties, and of columns. */
function namesIn(text: string) {
  const tables = Object.keys(TYPES).filter((table) => text.includes(table));
  const [, named = ""] = /where Name (?:==|in) \(?([^)|]*)/.exec(text) ?? [];
  const metrics = [...named.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
  const properties = [...text.matchAll(/Properties\["([^"]+)"\]/g)].map(([, name = ""]) => name);
  return { tables, metrics, properties };
}

const propertiesOf = (types: readonly string[], metrics: readonly string[]): Set<string> => {
  const fitting = envelopes.filter(({ data: { baseType, baseData } }) => {
    if (!types.includes(baseType)) return false;
    return metrics.length === 0 || metrics.includes(baseData.metrics?.[0]?.name ?? "");
  });
  return new Set(fitting.flatMap(({ data }) => Object.keys(data.baseData.properties ?? {})));
};

describe("what Azure Monitor's tables get", () => {
  it("is every metric that there is, and the three kinds of spans", () => {
    const sent = envelopes.flatMap(({ data }) => data.baseData.metrics?.map(({ name }) => name));
    for (const { name } of Object.values(METRICS)) expect(sent).toContain(name);
    const types = new Set(envelopes.map(({ data }) => data.baseType));
    expect([...types].sort()).toEqual(["MetricData", "RemoteDependencyData", "RequestData"]);
  });

  it("tells instances apart, and has the extremes of what is no single value", () => {
    for (const { tags } of envelopes) expect(tags["ai.cloud.roleInstance"]).toBe("one");
    const points = envelopes.flatMap(({ data }) => data.baseData.metrics ?? []);
    const [gauge] = points.filter(({ name }) => name === METRICS.oldestWait.name);
    // Of a gauge the sum of one is all that is sent: queries that want its maximum take that of the sums.
    expect(gauge).toMatchObject({ value: 1, count: 1 });
    expect(gauge?.max).toBeUndefined();
    const [lag] = points.filter(({ name }) => name === METRICS.ledgerLag.name);
    expect(lag).toMatchObject({ value: 1, count: 1, min: 1, max: 1 });
  });

  it("has the user of a request in a column of its own, and not among the properties", () => {
    const [request] = envelopes.filter(({ data }) => data.baseType === "RequestData");
    expect(request?.tags["ai.user.authUserId"]).toBe("ann");
    expect(propertiesOf(["RequestData"], [])).not.toContain("enduser.id");
  });

  it.each(kusto)("is what a query asks for: $name", ({ text }) => {
    const { tables, metrics, properties } = namesIn(text);
    expect(tables).not.toEqual([]);
    const types = tables.flatMap((table) => TYPES[table as keyof typeof TYPES]);
    const sent = new Set(
      envelopes.flatMap(({ data }) => data.baseData.metrics?.map((m) => m.name)),
    );
    for (const name of metrics) expect(sent).toContain(name);
    for (const name of properties) expect(propertiesOf(types, metrics)).toContain(name);
    const columns: readonly string[] = tables.includes("AppMetrics")
      ? COLUMNS.AppMetrics
      : COLUMNS.AppRequests;
    // What a gauge sends has no extremes, and adding up its looks makes no sense.
    const gauges = Object.values(METRICS).filter(({ kind }) => kind === "gauge");
    if (gauges.some(({ name }) => metrics.includes(name))) {
      expect(text).not.toMatch(/\b(?:Max|Min)\b/);
      expect(text).toMatch(/max\(Sum\)|sum\(Sum\) \/ sum\(ItemCount\)/);
    }
    const own = new Set([...text.matchAll(/\b(\w+) = /g)].map(([, name]) => name));
    const spoken = text.replace(/\/\/.*|"[^"]*"/g, "").match(/\b[A-Z][A-Za-z]+\b/g) ?? [];
    for (const word of spoken) {
      if (own.has(word) || tables.includes(word)) continue;
      expect(columns, word).toContain(word);
    }
  });
});
