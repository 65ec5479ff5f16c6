import { describe, expect, it } from "vitest";
import type { PlannedRequest } from "../../../local/replay/plan-request.ts";
import { renderReport } from "../../../local/replay/report.ts";
import { durationCell, renderTable } from "../../../local/replay/table.ts";
import { Tally } from "../../../local/replay/tally.ts";

const request = (patch: Partial<PlannedRequest> = {}): PlannedRequest => ({
  number: 1,
  dueMs: 0,
  mode: "stream",
  priorityClass: 2,
  userId: "replay-01",
  contextTokens: 1,
  generatedTokens: 1,
  ...patch,
});

function answer(tally: Tally, asked: PlannedRequest, isPromoted = false): void {
  tally.sent(asked, 0);
  tally.ended(asked, {
    kind: "answered",
    sentAt: 1000,
    endedAt: 1500,
    answer: {
      firstTokenAt: 1200,
      outputTokens: 40,
      wait: { source: "first byte", ms: 100 },
      isPromoted,
    },
  });
}

function fail(tally: Tally, kind: string, asked = request()): void {
  tally.sent(asked, 0);
  tally.ended(asked, { kind: "failed", failure: { kind, message: `what ${kind} says` } });
}

const reportOf = (tally: Tally): string => renderReport({ tally, durationMs: 2000 });

describe("a table", () => {
  it("aligns names to the left and numbers to the right", () => {
    expect(renderTable(["a", "count"], [["long name", "1"], ["b"]])).toBe(
      ["a          count", "---------  -----", "long name      1", "b"].join("\n"),
    );
  });

  it.each([
    [undefined, "-"],
    [0, "0 ms"],
    [9999.4, "9999 ms"],
    [12_345, "12.3 s"],
  ])("shows a duration of %s as %s", (ms, cell) => expect(durationCell(ms)).toBe(cell));
});

describe("the report", () => {
  it("has a row for every mode and one for all, with the rate over the whole run", () => {
    const tally = new Tally();
    answer(tally, request());
    answer(tally, request({ mode: "queued" }));
    const [header, , stream, queued, async, total] = reportOf(tally).split("\n");
    const cells = (line = ""): string[] => line.split(/\s{2,}/);
    expect(cells(header).slice(0, 6)).toEqual([
      "mode",
      "sent",
      "answered",
      "failed",
      "ttft p50",
      "p95",
    ]);
    const times = ["200 ms", "200 ms", "200 ms", "500 ms", "500 ms", "500 ms"];
    expect(cells(stream)).toEqual(["stream", "1", "1", "0", ...times, "20"]);
    expect(cells(queued)).toEqual(["queued", "1", "1", "0", ...times, "20"]);
    expect(cells(async)).toEqual(["async", "0", "0", "0", ...times.map(() => "-"), "0"]);
    expect(cells(total)).toEqual(["total", "2", "2", "0", ...times, "40"]);
  });

  it("lists waits by class, each with what it was measured by", () => {
    const tally = new Tally();
    answer(tally, request({ priorityClass: 3 }));
    answer(tally, request({ priorityClass: 1, mode: "async" }));
    const report = reportOf(tally);
    expect(report).toMatch(/^1 +async +first byte +1 +100 ms +100 ms +100 ms +100 ms$/m);
    expect(report.indexOf("\n1 ")).toBeLessThan(report.indexOf("\n3 "));
  });

  it("lists failures by kind, the most frequent first, with the first example", () => {
    const tally = new Tally();
    fail(tally, "timeout");
    fail(tally, "429 queue-full", request({ number: 7, mode: "queued" }));
    fail(tally, "429 queue-full", request({ number: 9 }));
    expect(reportOf(tally).split("\n").slice(-4)).toEqual([
      "Failures, each kind with its first example:",
      "  2 x 429 queue-full  request 7 (queued): what 429 queue-full says",
      "  1 x timeout         request 1 (stream): what timeout says",
      "",
    ]);
  });

  it("says nothing of failures, promotions and lateness where there are none", () => {
    const tally = new Tally();
    answer(tally, request());
    expect(reportOf(tally)).not.toMatch(/Failures|stopped|made jobs|pace/);
  });

  it("tells of promotions, interruptions and a pace that this machine did not keep", () => {
    const tally = new Tally();
    answer(tally, request({ mode: "queued" }), true);
    tally.sent(request(), 450);
    tally.ended(request(), { kind: "interrupted" });
    const report = reportOf(tally);
    expect(report).toContain("made jobs of without being asked: 1.");
    expect(report).toContain("Unanswered when the replay was stopped: 1.");
    expect(report).toContain("(lateness p99 450 ms)");
  });

  it("keeps its memory bounded whatever a gateway calls its errors", () => {
    const tally = new Tally();
    for (let i = 0; i < 1000; i += 1) fail(tally, `code-${i}`);
    expect(tally.failures).toHaveLength(51);
    expect(tally.failures[0]).toMatchObject({ kind: "other", count: 950 });
  });
});
