import { describe, expect, it } from "vitest";
import { METRICS, MetricBook, type MetricReading } from "../../../shared/telemetry/index.ts";

const bookOf = (usesLatestNames = false) => new MetricBook({ usesLatestNames });
const pointsOf = (readings: readonly MetricReading[], name: string) =>
  readings.find(({ definition }) => definition.name === name)?.points ?? [];

describe("a book of metrics", () => {
  it("adds up counters by what tells them apart", () => {
    const book = bookOf();
    book.record(METRICS.retries, ["Host1"]);
    book.record(METRICS.retries, ["Host1"], 2);
    book.record(METRICS.retries, ["Host2"]);
    expect(pointsOf(book.read(), "simplel7proxy.retries")).toEqual([
      { attributes: { "simplel7proxy.backend": "Host1" }, value: 3 },
      { attributes: { "simplel7proxy.backend": "Host2" }, value: 1 },
    ]);
  });

  it("puts values into buckets whose bounds belong to them", () => {
    const book = bookOf();
    const { bounds = [] } = METRICS.outputSpeed;
    for (const value of [0.5, 1, 1.5, 1000, 1001]) {
      book.record(METRICS.outputSpeed, ["m", "Host1"], value);
    }
    const [point] = pointsOf(book.read(), METRICS.outputSpeed.name);
    const counts = bounds.map(() => 0);
    expect(point?.value).toEqual({
      count: 5,
      sum: 2004,
      min: 0.5,
      max: 1001,
      bounds,
      counts: [2, 1, ...counts.slice(3), 1, 1],
    });
  });

  it("leaves out what is not known", () => {
    const book = bookOf();
    book.record(METRICS.requests, [1, 200, undefined]);
    expect(pointsOf(book.read(), METRICS.requests.name)[0]?.attributes).toEqual({
      "simplel7proxy.priority": 1,
      "http.response.status_code": 200,
    });
  });

  it("speaks in the generation of names that is in force", () => {
    const labels = ["chat", "azure.ai.openai", "m", "m", "Host1"];
    for (const [isLatest, attribute, provider] of [
      [false, "gen_ai.system", "az.ai.openai"],
      [true, "gen_ai.provider.name", "azure.ai.openai"],
    ] as const) {
      const book = bookOf(isLatest);
      book.record(METRICS.timeToFirstToken, labels, 1);
      book.record(METRICS.tokenUsage, [...labels, "input"], 7);
      book.record(METRICS.usedInputTokens, [...labels, "unknown"], 7);
      const readings = book.read();
      expect(readings.map(({ definition }) => definition.name)).toEqual([
        "gen_ai.server.time_to_first_token",
        isLatest ? "gen_ai.client.inference.usage.input_tokens" : "gen_ai.client.token.usage",
      ]);
      for (const { points } of readings) {
        expect(points[0]?.attributes).toMatchObject({ [attribute]: provider });
      }
    }
  });

  it("has a bound on its series, and loses no count beyond it", () => {
    const book = bookOf();
    for (let user = 0; user < 10_000; user++) book.record(METRICS.userRequests, [`user-${user}`]);
    const points = pointsOf(book.read(), METRICS.userRequests.name);
    expect(points).toHaveLength(2001);
    expect(points.at(-1)).toEqual({ attributes: { "enduser.id": "other" }, value: 8000 });
  });

  it("tells series apart by every label, absent ones too, and has metrics without any", () => {
    const book = bookOf();
    const labels = [
      [1, 200, undefined],
      [1, 200, "x"],
      [1, undefined, "x"],
      [2, 200, "x"],
    ] as const;
    for (const each of [...labels, ...labels]) book.record(METRICS.requests, each);
    for (let times = 0; times < 3; times++) book.record(METRICS.brokenAnswers, []);
    const readings = book.read();
    expect(pointsOf(readings, METRICS.requests.name).map(({ value }) => value)).toEqual([
      2, 2, 2, 2,
    ]);
    expect(pointsOf(readings, METRICS.brokenAnswers.name)).toEqual([{ attributes: {}, value: 3 }]);
  });

  it("shows gauges beside what was counted, series by series", () => {
    const readings = bookOf().read([
      [METRICS.slots, ["running"], 2],
      [METRICS.slots, ["free"], 8],
    ]);
    expect(pointsOf(readings, METRICS.slots.name).map(({ value }) => value)).toEqual([2, 8]);
  });
});
