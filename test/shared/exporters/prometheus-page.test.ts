import { describe, expect, it } from "vitest";
import { prometheusPage } from "../../../shared/exporters/prometheus-page.ts";
import { Deltas } from "../../../shared/exporters/resource-metrics.ts";
import { METRICS, MetricBook } from "../../../shared/telemetry/index.ts";

const facts = { attributes: { "service.name": "simplel7proxy" }, startedAt: 0, nowMs: 1000 };

describe("the page for Prometheus", () => {
  it("has counters, histograms and gauges in its format", async () => {
    const book = new MetricBook({ usesLatestNames: true });
    book.record(METRICS.retries, ["Host1"], 3);
    book.record(METRICS.queueWait, [1, 'm"1', "Host1"], 0.015);
    const text = await prometheusPage(book.read([[METRICS.slots, ["free"], 7]]), facts);
    expect(text).toContain("# TYPE simplel7proxy_retries_total counter");
    expect(text).toMatch(/^simplel7proxy_retries_total\{.*simplel7proxy_backend="Host1".*\} 3/m);
    expect(text).toMatch(/^simplel7proxy_queue_wait_bucket\{.*le="0.01"\} 0/m);
    expect(text).toMatch(/^simplel7proxy_queue_wait_bucket\{.*le="0.02"\} 1/m);
    expect(text).toMatch(/^simplel7proxy_queue_wait_count\{.*\} 1/m);
    expect(text).toContain('gen_ai_response_model="m\\"1"');
    expect(text).toMatch(/^simplel7proxy_slots\{.*simplel7proxy_state="free".*\} 7/m);
    expect(text).toContain('service_name="simplel7proxy"');
  });
});

describe("metrics for a receiver that adds up itself", () => {
  it("are what was added since the last time, and gauges as they are", () => {
    const book = new MetricBook({ usesLatestNames: true });
    const deltas = new Deltas();
    const gauge = [METRICS.slots, ["free"], 7] as const;
    book.record(METRICS.retries, ["Host1"], 3);
    book.record(METRICS.outputSpeed, ["m", "Host1"], 10);
    const valuesOf = () => deltas.since(book.read([gauge])).map(({ points }) => points[0]?.value);
    expect(valuesOf()).toMatchObject([3, { count: 1, sum: 10 }, 7]);
    book.record(METRICS.retries, ["Host1"]);
    book.record(METRICS.outputSpeed, ["m", "Host1"], 20);
    expect(valuesOf()).toMatchObject([1, { count: 1, sum: 20 }, 7]);
    expect(valuesOf()).toEqual([undefined, undefined, 7]);
  });
});
