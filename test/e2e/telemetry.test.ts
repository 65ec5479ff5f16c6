import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SeenRequest, startBackend, type TestBackend } from "../support/backend.ts";
import {
  type CollectedSpan,
  type OtlpCollector,
  startCollector,
} from "../support/otlp-collector.ts";
import { OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";

const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5];
const WAIT = { timeout: 60_000, interval: 100 };
const USAGE = { prompt_tokens: 3, completion_tokens: 11, total_tokens: 14 };
const ANSWER = JSON.stringify({ model: "gpt-4o-2024", choices: [], usage: USAGE });
const STREAM = [
  { model: "gpt-4o-2024", choices: [{ delta: { content: "a" } }] },
  { model: "gpt-4o-2024", choices: [], usage: USAGE },
]
  .map((event) => `data: ${JSON.stringify(event)}\n\n`)
  .join("");

let backends: readonly TestBackend[] = [];
let collector: OtlpCollector;
let stack: TestStack;
const calls: SeenRequest[] = [];
const failedOnce = new Set<string>();

const traceOf = ({ headers }: SeenRequest): string => String(headers["traceparent"]).slice(3, 35);

beforeAll(async () => {
  collector = await startCollector();
  const handler: Parameters<typeof startBackend>[0] = (request, response) => {
    const { target, body } = request;
    calls.push(request);
    if (target.startsWith("/retry") && !failedOnce.has(traceOf(request))) {
      failedOnce.add(traceOf(request));
      response.writeHead(500).end();
    } else if (body.includes('"stream":true')) {
      response.setHeader("content-type", "text/event-stream").end(`${STREAM}data: [DONE]\n\n`);
    } else response.setHeader("content-type", "application/json").end(ANSWER);
  };
  backends = [await startBackend(handler), await startBackend(handler)];
  const [one, two] = backends;
  stack = await startStack({
    env: {
      Host1: `host=${one?.url};mode=direct`,
      Host2: `host=${two?.url};mode=direct`,
      GATEWAY_SYNC_MODE: "queued",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  for (const backend of backends) await backend[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
});

/** Asks within a trace of its own, and waits until so many spans of it were collected. */
async function traced(path: string, options: { body?: object; headers?: object; spans: number }) {
  const traceId = randomBytes(16).toString("hex");
  const response = await fetch(`${stack.url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      ...options.headers,
    },
    body: JSON.stringify({ model: "gpt-4o", ...options.body }),
  });
  await response.text();
  const ofTrace = () => collector.spans.filter((span) => span.traceId === traceId);
  await expect.poll(() => ofTrace().length, WAIT).toBe(options.spans);
  const kind = (wanted: number | undefined): CollectedSpan[] =>
    ofTrace()
      .filter((span) => span.kind === wanted)
      .sort((a, b) => a.startMs - b.startMs);
  const seen = calls.filter((request) => traceOf(request) === traceId);
  return { response, kind, seen };
}

const parentsOf = (spans: readonly CollectedSpan[]) =>
  spans.map(({ parentSpanId }) => parentSpanId);
const idsOf = (spans: readonly CollectedSpan[]) => spans.map(({ spanId }) => spanId);
const callersOf = (seen: readonly SeenRequest[]) =>
  seen.map(({ headers }) => String(headers["traceparent"]).slice(36, 52));

describe("one trace from the client to the backend", () => {
  it("of a direct stream: the request, and the call beneath it", async () => {
    const { kind, seen } = await traced("/v1/chat/completions", {
      body: { stream: true },
      spans: 2,
    });
    const [[server], [attempt]] = [kind(SERVER), kind(CLIENT)];
    expect(attempt?.parentSpanId).toBe(server?.spanId);
    expect(callersOf(seen)).toEqual([attempt?.spanId]);
    expect(attempt?.attributes).toMatchObject({
      "gen_ai.response.model": "gpt-4o-2024",
      "gen_ai.usage.input_tokens": 3,
      "gen_ai.usage.output_tokens": 11,
      "simplel7proxy.usage.provenance": "reported",
    });
    expect(server?.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.response.model": "gpt-4o-2024",
      "gen_ai.usage.output_tokens": 11,
      "http.response.status_code": 200,
    });
    expect(server?.resource).toMatchObject({ "service.name": "simplel7proxy" });
  });

  it("of a queued request: sent, worked on, called", async () => {
    const { kind, seen } = await traced("/v1/chat/completions", { spans: 4 });
    const [[server], [sent], [work]] = [kind(SERVER), kind(PRODUCER), kind(CONSUMER)];
    const [attempt] = kind(CLIENT);
    expect(sent?.parentSpanId).toBe(server?.spanId);
    expect(work?.parentSpanId).toBe(sent?.spanId);
    expect(attempt?.parentSpanId).toBe(work?.spanId);
    expect(callersOf(seen)).toEqual([attempt?.spanId]);
  });

  it("of a request that is tried twice: two calls beneath one piece of work", async () => {
    const { kind, seen, response } = await traced("/retry/v1/chat/completions", { spans: 5 });
    expect(response.status).toBe(200);
    const [work] = kind(CONSUMER);
    const attempts = kind(CLIENT);
    expect(parentsOf(attempts)).toEqual([work?.spanId, work?.spanId]);
    expect(callersOf(seen)).toEqual(idsOf(attempts));
    expect(attempts.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([
      500, 200,
    ]);
  });

  it("of a job: its attempt is beneath the request that asked for it", async () => {
    const headers = { S7PAsyncMode: "true", prefer: "respond-async" };
    const { kind, seen, response } = await traced("/v1/chat/completions", { headers, spans: 4 });
    expect(response.status).toBe(202);
    const [[server], [sent], [work]] = [kind(SERVER), kind(PRODUCER), kind(CONSUMER)];
    const [attempt] = kind(CLIENT);
    expect(sent?.parentSpanId).toBe(server?.spanId);
    expect(work?.parentSpanId).toBe(sent?.spanId);
    expect(attempt?.parentSpanId).toBe(work?.spanId);
    expect(callersOf(seen)).toEqual([attempt?.spanId]);
  });
});

describe("the metrics of an instance", () => {
  const count = (name: string): number =>
    collector.metrics.get(name)?.points.reduce((sum, point) => sum + (point.count ?? 0), 0) ?? 0;

  it("come to the collector", async () => {
    await expect.poll(() => count("simplel7proxy.queue.wait"), WAIT).toBeGreaterThanOrEqual(4);
    await expect.poll(() => count("gen_ai.server.time_to_first_token"), WAIT).toBe(1);
    const slots = collector.metrics.get("simplel7proxy.slots")?.points ?? [];
    expect(slots.map(({ attributes }) => attributes["simplel7proxy.state"])).toEqual([
      "running",
      "free",
    ]);
  });

  it("are a page for operators alone", async () => {
    expect((await fetch(`${stack.url}/metrics`)).status).toBe(401);
    const headers = { "x-operator-key": OPERATOR_KEY };
    const page = await fetch(`${stack.url}/metrics`, { headers });
    expect(page.headers.get("content-type")).toContain("text/plain");
    const text = await page.text();
    expect(text).toMatch(/^gen_ai_client_token_usage_count\{.*gen_ai_token_type="input".*\} \d+/m);
    expect(text).toMatch(/^simplel7proxy_backend_breaker\{.*simplel7proxy_backend="Host1".*\} 0/m);
    const asJson = { ...headers, accept: "application/json" };
    const json = (await (
      await fetch(`${stack.url}/metrics`, { headers: asJson })
    ).json()) as object[];
    expect(json).toContainEqual(expect.objectContaining({ name: "simplel7proxy.requests" }));
  });
});

describe("an instance that ends", () => {
  it("sends what it has not sent yet, and is not held up by it", async () => {
    const before = collector.spans.length;
    await (await fetch(`${stack.url}/v1/models`)).text();
    expect(await stack.stop()).toBe(0);
    expect(collector.spans.length).toBeGreaterThan(before);
  });
});
