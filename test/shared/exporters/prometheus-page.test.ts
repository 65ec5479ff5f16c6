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

  it("is one that Prometheus reads: no series twice, buckets that add up, names told once", async () => {
    const book = new MetricBook({ usesLatestNames: true });
    // Names that are no label's as they stand, and more of them than there may be series.
    const strange = [
      "other",
      'a"b',
      "a\\b",
      "a\nb",
      "{}",
      "é",
      ...Array.from({ length: 2100 }, (_, at) => String(at)),
    ];
    for (const user of strange) book.record(METRICS.userRequests, [user]);
    for (const value of [0, 0.01, 0.010001, 1, 1e9]) {
      book.record(METRICS.queueWait, [1, "m", undefined], value);
      book.record(METRICS.queueWait, [1, undefined, "m"], value);
    }
    const lines = (await prometheusPage(book.read(), facts)).trimEnd().split("\n");
    const series = lines.filter((line) => !line.startsWith("#"));
    const line =
      /^[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\["\\n])*",?)*\})? [^ ]+$/;
    for (const each of series) expect(each).toMatch(line);
    const names = series.map((each) => each.slice(0, each.lastIndexOf(" ")));
    expect(new Set(names).size).toBe(names.length);
    const told = lines
      .filter((each) => each.startsWith("# TYPE"))
      .map((each) => each.split(" ")[2]);
    expect(new Set(told).size).toBe(told.length);
    const buckets = series.filter((each) =>
      /queue_wait_bucket\{.*simplel7proxy_backend/.test(each),
    );
    const counts = buckets.map((each) => Number(each.slice(each.lastIndexOf(" "))));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(buckets.at(-1)).toContain('le="+Inf"');
    expect(counts.at(-1)).toBe(5);
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

  it("have the least and the greatest of what was added, as near as that is known", () => {
    const book = new MetricBook({ usesLatestNames: true });
    const deltas = new Deltas();
    const added = (...values: readonly number[]) => {
      for (const value of values) book.record(METRICS.ledgerLag, [], value);
      return deltas.since(book.read())[0]?.points[0]?.value;
    };
    expect(added(3, 700)).toMatchObject({ min: 3, max: 700 });
    // Within the extremes of all before: what their buckets say, and never more than there was.
    expect(added(40, 90)).toMatchObject({ min: 30, max: 120 });
    expect(added(650)).toMatchObject({ min: 600, max: 700 });
    expect(added(4)).toMatchObject({ min: 3, max: 5 });
    expect(added(0.5, 5000)).toMatchObject({ min: 0.5, max: 5000 });
    expect(added(4000)).toMatchObject({ min: 3600, max: 5000 });
  });
});
